"""The back office's page of throttles: hold a noisy tenant back for a time, and let it go again."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.core.admin import ReadOnlyAdmin
from apps.core.backoffice import staff_actor
from apps.core.exceptions import DomainError, Forbidden
from apps.core.forms import refusals_on
from apps.gateway import selectors, services, tenants
from apps.gateway.forms import ThrottleForm
from apps.gateway.models import TenantThrottle

OPERATOR: Final = "operator"
PAGE: Final = "admin:gateway_throttles"
SHOWN: Final = 50


@admin.register(TenantThrottle)
class TenantThrottleAdmin(ReadOnlyAdmin):
    """Every throttle that ever was; the page beside it applies and lifts them."""

    view_roles = (OPERATOR,)
    list_display = (
        "organization",
        "calls_per_second",
        "calls_per_minute",
        "reason",
        "created_at",
        "ends_at",
        "lifted_at",
    )
    list_select_related = ("organization",)
    search_fields = ("organization__name", "reason")

    def get_urls(self) -> list[URLPattern]:
        """Add the page and its button."""
        wrap = self.admin_site.admin_view
        own = [
            path("now/", wrap(self.page), name="gateway_throttles"),
            path(
                "<str:throttle_id>/lift/",
                wrap(require_POST(self.lift)),
                name="gateway_throttle_lift",
            ),
        ]
        return [*own, *super().get_urls()]

    def page(self, request: HttpRequest) -> HttpResponse:
        """Show who is held back, and hold somebody back."""
        _require_operator(request)
        organization = request.GET.get("organization", "")
        form = ThrottleForm(request.POST or None, initial={"organization": organization})
        if request.method == "POST" and form.is_valid():
            with refusals_on(form):
                throttle = form.save(actor=staff_actor(request))
                text = _("%(name)s is throttled.") % {"name": throttle.organization.name}
                messages.success(request, text)
                return HttpResponseRedirect(reverse(PAGE))
        rows = selectors.list_throttles()
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": _("Throttles"),
            "opts": self.model._meta,
            "form": form,
            "holding": list(rows.holding()),
            "over": list(rows.exclude(pk__in=rows.holding().values("pk"))[:SHOWN]),
            "default_limits": tenants.default_limits(),
        }
        status = 422 if form.errors else 200
        return TemplateResponse(request, "gateway/throttles.html", context, status=status)

    def lift(self, request: HttpRequest, throttle_id: str) -> HttpResponse:
        """Let an organization go before the time."""
        _require_operator(request)
        throttle = selectors.get_throttle(throttle_id)
        try:
            services.lift_throttle(
                throttle=throttle,
                actor=staff_actor(request),
                reason=request.POST.get("reason", ""),
            )
        except DomainError as error:
            messages.error(request, str(error.title))
        else:
            name = throttle.organization.name
            messages.success(request, _("%(name)s may call again.") % {"name": name})
        return HttpResponseRedirect(reverse(PAGE))


def _require_operator(request: HttpRequest) -> None:
    if not staff_actor(request).has_staff_role(OPERATOR):
        raise Forbidden(required=f"staff:{OPERATOR}")
