"""The admin site: who may enter, the start page, and the pages that belong to no single table."""

from __future__ import annotations

from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from apps.core.attention import attention_items
from apps.core.backoffice import staff_actor
from apps.core.exceptions import Forbidden, NotFound
from apps.core.schedule import run_now, schedule_rows
from apps.portal.backoffice_groups import groups_of, system_apps


class BackOfficeSite(AdminSite):
    """Every page of the back office."""

    site_header = _("Back office")
    site_title = settings.MARKETPLACE_NAME
    index_title = _("What needs attention")
    site_url = "/console/"

    def has_permission(self, request: HttpRequest) -> bool:
        """Admit people with a back-office role who proved their second factor, where one is demanded."""
        return staff_actor(request).is_staff and not self._lacks_second_factor(request)

    def login(
        self,
        request: HttpRequest,
        extra_context: dict[str, Any] | None = None,  # noqa: ARG002 -- the base class's
    ) -> HttpResponse:
        """Send strangers to the login, staff to what is missing; to others the back office does not exist."""
        back = request.GET.get("next") or reverse("admin:index")
        actor = staff_actor(request)
        if not actor.is_authenticated:
            return redirect_to_login(back)
        if not actor.is_staff:
            raise NotFound
        if not self._lacks_second_factor(request):
            return HttpResponseRedirect(reverse("admin:index"))
        if is_mfa_enabled(request.user):
            return redirect(reverse("mfa_reauthenticate", query={"next": back}))
        messages.warning(request, gettext("Set up a second factor to open the back office."))
        return redirect("mfa_index")

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Show what waits for this person today, the most urgent first; then the tables in groups."""
        tables = self.get_app_list(request)
        context = {
            "attention": attention_items(staff_actor(request)),
            "groups": groups_of(tables),
            "system_apps": system_apps(tables),
            **(extra_context or {}),
        }
        return super().index(request, context)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Add the pages that are not about one table."""
        own = [
            path("schedule/", self.admin_view(self.schedule), name="schedule"),
            path(
                "schedule/<str:job>/run/",
                self.admin_view(require_POST(self.run_job)),
                name="run_job",
            ),
        ]
        return [*own, *super().get_urls()]

    def schedule(self, request: HttpRequest) -> HttpResponse:
        """Show every scheduled job: how often, how it went last, how long it took."""
        _require_operator(request)
        context = {
            **self.each_context(request),
            "title": gettext("Scheduled jobs"),
            "rows": schedule_rows(),
        }
        return render(request, "core/backoffice/schedule.html", context)

    def run_job(self, request: HttpRequest, job: str) -> HttpResponse:
        """Start a job now."""
        _require_operator(request)
        run = run_now(job=job, actor=staff_actor(request))
        messages.success(
            request, gettext("%(job)s was started as %(id)s.") % {"job": job, "id": run.public_id}
        )
        return redirect("admin:schedule")

    @staticmethod
    def _lacks_second_factor(request: HttpRequest) -> bool:
        if not settings.REQUIRE_STAFF_MFA:
            return False
        user = request.user
        records = get_authentication_records(request, user) if user.is_authenticated else []
        return not any(record.get("method") == "mfa" for record in records)


def _require_operator(request: HttpRequest) -> None:
    if not staff_actor(request).has_staff_role("operator"):
        raise Forbidden(required="staff:operator")
