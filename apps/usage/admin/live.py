"""Calls in the back office: the last minutes of everybody's."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from apps.core.exceptions import Forbidden
from apps.usage.admin.base import UsageAdmin
from apps.usage.live_pages import live_context
from apps.usage.models import UsageEvent
from apps.usage.selectors.live import live_calls_of_everybody


@admin.register(UsageEvent)
class UsageEventAdmin(UsageAdmin):
    """Calls. Their list is the live view: nobody pages through all calls of all tenants."""

    def get_urls(self) -> list[URLPattern]:
        """Add the part of the page that changes."""
        wrap = self.admin_site.admin_view
        own = [path("now/", wrap(self.now), name="usage_live_now")]
        return [*own, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the last minutes."""
        context = {
            **self.admin_site.each_context(request),
            "title": _("Calls right now"),
            "opts": self.model._meta,
            **self._live(request),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "usage/backoffice_live.html", context)

    def now(self, request: HttpRequest) -> HttpResponse:
        """Answer the part that changes."""
        return TemplateResponse(request, "usage/_live.html", self._live(request))

    def _live(self, request: HttpRequest) -> dict[str, Any]:
        if not self.has_view_permission(request):
            raise Forbidden(required="staff")
        found = live_calls_of_everybody()
        context = live_context(found, request, url=reverse("admin:usage_live_now"))
        return {**context, "is_backoffice": True}
