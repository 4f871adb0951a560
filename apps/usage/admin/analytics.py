"""The operator's analytics: every call but those of sandboxes."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from apps.core.backoffice import staff_actor
from apps.core.exceptions import Forbidden
from apps.usage import selectors
from apps.usage.admin.base import UsageAdmin
from apps.usage.analytics_page import Links, page_context
from apps.usage.enums import AnalyticsSide
from apps.usage.models import UsageHour
from apps.usage.shown import shown_filters, shown_period

TABLES: Final = ("api", "provider", "consumer", "status")
READERS: Final = ("operator", "finance")


@admin.register(UsageHour)
class UsageHourAdmin(UsageAdmin):
    """Hours are read added up, never row by row."""

    def changelist_view(
        self,
        request: HttpRequest,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Answer how much was called in the whole marketplace, and how that went."""
        actor = staff_actor(request)
        if not any(actor.has_staff_role(role) for role in READERS):
            raise Forbidden(required="staff:operator,finance")
        chosen, asked = shown_period(request, selectors.OperatorTime())
        filters = shown_filters(request, actor.as_platform(), AnalyticsSide.OPERATOR)
        context = {
            **self.admin_site.each_context(request),
            **page_context(selectors.operator_scope(), Links(chosen, filters), TABLES),
            **asked,
            "title": _("Analytics"),
        }
        return TemplateResponse(request, "usage/backoffice_analytics.html", context)
