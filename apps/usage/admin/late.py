"""Late events."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy, ngettext

from apps.core.admin import ReasonForm, staff_actor
from apps.core.exceptions import DomainError
from apps.usage.admin.base import UsageAdmin
from apps.usage.models import LateEvent
from apps.usage.services import waive_late_events


@admin.register(LateEvent)
class LateEventAdmin(UsageAdmin):
    """What came behind its window's watermark: it revised the window, or waits for billing."""

    change_roles = ("operator", "finance")
    action_form = ReasonForm
    actions = ("waive",)
    change_list_template = "usage/backoffice_list.html"
    list_display = (
        "occurred_at",
        "created_at",
        "consumer_organization",
        "subscription",
        "meter",
        "quantity",
        "window_start",
        "period_end",
        "resolution",
        "reason",
    )
    list_filter = ("resolution", "meter", "subscription__api")
    list_select_related = ("consumer_organization", "subscription__api", "subscription__plan")
    search_fields = ("consumer_organization__name", "subscription__api__name", "event_id__exact")

    @admin.action(
        description=gettext_lazy("Charge the chosen events to nobody"), permissions=["change"]
    )
    def waive(self, request: HttpRequest, queryset: QuerySet[LateEvent]) -> None:
        """Waive them all, or none; the reason stands in the list."""
        try:
            count = waive_late_events(
                events=list(queryset),
                actor=staff_actor(request),
                reason=request.POST.get("reason", ""),
            )
        except DomainError as error:
            messages.error(request, str(error.detail))
            return
        text = ngettext("%(count)s event was waived.", "%(count)s events were waived.", count)
        messages.success(request, text % {"count": count})
