"""The back office's pages of rewinds: try one, see what would differ, apply it."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.core.admin import ReadOnlyAdmin
from apps.core.backoffice import staff_actor
from apps.core.exceptions import DomainError, Forbidden
from apps.core.forms import refusals_on
from apps.usage import selectors, services
from apps.usage.admin.base import UsageAdmin
from apps.usage.enums import RewindStatus
from apps.usage.models import UsageRewind, WindowDifference
from apps.usage.rewind_forms import RewindForm

OPERATOR: Final = "operator"
PAGE: Final = "admin:usage_rewinds"
DETAIL: Final = "admin:usage_rewind"
SHOWN: Final = 50
PER_PAGE: Final = 50


@admin.register(UsageRewind)
class UsageRewindAdmin(ReadOnlyAdmin):
    """Every rewind that ever was; the page beside it starts them."""

    change_list_template = "usage/backoffice_list.html"
    view_roles = (OPERATOR,)
    list_display = (
        "created_at",
        "range_start",
        "range_end",
        "is_dry_run",
        "status",
        "difference_count",
        "revised_count",
        "kept_count",
        "reason",
    )
    list_filter = ("status", "is_dry_run")

    def get_urls(self) -> list[URLPattern]:
        """Add the pages and their buttons."""
        wrap = self.admin_site.admin_view
        own = [
            path("now/", wrap(self.page), name="usage_rewinds"),
            path("run/<str:rewind_id>/", wrap(self.detail), name="usage_rewind"),
            path(
                "run/<str:rewind_id>/apply/",
                wrap(require_POST(self.apply)),
                name="usage_rewind_apply",
            ),
            path(
                "run/<str:rewind_id>/retry/",
                wrap(require_POST(self.retry)),
                name="usage_rewind_retry",
            ),
        ]
        return [*own, *super().get_urls()]

    def page(self, request: HttpRequest) -> HttpResponse:
        """List the last rewinds, and start a dry run."""
        _require_operator(request)
        form = RewindForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            with refusals_on(form):
                rewind = form.save(actor=staff_actor(request), is_dry_run=True)
                messages.success(request, _("The dry run was started."))
                return HttpResponseRedirect(reverse(DETAIL, args=[rewind.public_id]))
        context = {"form": form, "rewinds": list(selectors.list_rewinds()[:SHOWN])}
        status = 422 if form.errors else 200
        return self._show(request, "usage/rewinds.html", _("Rewinds"), context, status=status)

    def detail(self, request: HttpRequest, rewind_id: str) -> HttpResponse:
        """Show where one stands and what it found, page by page."""
        _require_operator(request)
        rewind = selectors.get_rewind(rewind_id)
        pages = Paginator(selectors.list_differences(rewind), PER_PAGE)
        context = {
            "rewind": rewind,
            "page": pages.get_page(request.GET.get("page")),
            "is_running": rewind.status in {RewindStatus.WAITING, RewindStatus.RUNNING},
            "can_apply": rewind.is_dry_run
            and rewind.status == RewindStatus.SUCCEEDED
            and rewind.difference_count > 0,
            "can_retry": rewind.status == RewindStatus.FAILED,
        }
        return self._show(request, "usage/rewind.html", _("Rewind"), context)

    def apply(self, request: HttpRequest, rewind_id: str) -> HttpResponse:
        """Do what a dry run showed."""
        _require_operator(request)
        tried = selectors.get_rewind(rewind_id)
        try:
            rewind = services.apply_dry_run(
                rewind=tried, actor=staff_actor(request), reason=request.POST.get("reason", "")
            )
        except DomainError as error:
            messages.error(request, str(error.detail))
            return HttpResponseRedirect(reverse(DETAIL, args=[tried.public_id]))
        messages.success(request, _("The rewind was started."))
        return HttpResponseRedirect(reverse(DETAIL, args=[rewind.public_id]))

    def retry(self, request: HttpRequest, rewind_id: str) -> HttpResponse:
        """Go on with one that failed."""
        _require_operator(request)
        rewind = selectors.get_rewind(rewind_id)
        try:
            services.retry_rewind(rewind=rewind, actor=staff_actor(request))
        except DomainError as error:
            messages.error(request, str(error.detail))
        else:
            messages.success(request, _("The rewind goes on after its last finished step."))
        return HttpResponseRedirect(reverse(DETAIL, args=[rewind.public_id]))

    def _show(
        self,
        request: HttpRequest,
        template: str,
        title: str,
        context: dict[str, Any],
        *,
        status: int = 200,
    ) -> HttpResponse:
        site = self.admin_site.each_context(request)
        whole = {**site, "title": title, "opts": self.model._meta, **context}
        return TemplateResponse(request, template, whole, status=status)


@admin.register(WindowDifference)
class WindowDifferenceAdmin(UsageAdmin):
    """Windows that their events add up to something else than they say."""

    change_list_template = "usage/backoffice_list.html"
    list_display = (
        "window_start",
        "consumer_organization",
        "subscription",
        "meter",
        "was_quantity",
        "quantity",
        "is_period_closed",
        "state",
        "rewind",
    )
    list_filter = ("state", "is_period_closed", "meter")
    list_select_related = (
        "consumer_organization",
        "subscription__api",
        "subscription__plan",
        "rewind",
    )


def _require_operator(request: HttpRequest) -> None:
    if not staff_actor(request).has_staff_role(OPERATOR):
        raise Forbidden(required=f"staff:{OPERATOR}")
