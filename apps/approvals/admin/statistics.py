"""How the back office does: counts, times to decide, deadlines kept, and what came and went by day."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from apps.approvals import selectors
from apps.approvals.enums import ApprovalStatus, Priority
from apps.approvals.permissions import can_review
from apps.approvals.registry import subject_types
from apps.core import clock
from apps.core.admin import staff_actor
from apps.core.exceptions import Forbidden
from apps.core.formatting import format_day
from apps.core.plots import Plot, PlotData, Series, draw_lines

PERIODS_DAYS: Final = (7, 30, 90)
USUAL_PERIOD_DAYS: Final = 30


class StatisticsPage:
    """The page of figures, mixed into the queue's admin class."""

    admin_site: Any
    model: Any

    def get_urls(self) -> list[URLPattern]:
        """Add the page."""
        own = path(
            "statistics/",
            self.admin_site.admin_view(self.statistics),
            name="approvals_statistics",
        )
        return [own, *super().get_urls()]  # type: ignore[misc]  # ModelAdmin's

    def statistics(self, request: HttpRequest) -> HttpResponse:
        """Show the figures of the chosen period, of one subject or of all."""
        if not can_review(staff_actor(request)):
            raise Forbidden
        subjects = subject_types()
        days = _chosen_days(request.GET.get("days", ""))
        wanted = request.GET.get("subject_type", "")
        subject_type = wanted if wanted in dict(subjects) else ""
        now = clock.now()
        found = selectors.approval_statistics(
            since=now - timedelta(days=days), until=now, subject_type=subject_type
        )
        labels = dict(subjects)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Approval statistics"),
            "found": found,
            "compliance": None if found.sla_compliance is None else found.sla_compliance / 100,
            "counts": selectors.count_queue(),
            "days": days,
            "periods": PERIODS_DAYS,
            "subjects": subjects,
            "subject_type": subject_type,
            "by_status": [(ApprovalStatus(key).label, n) for key, n in found.by_status.items()],
            "by_priority": [(Priority(key).label, n) for key, n in found.by_priority.items()],
            "by_subject": [(labels.get(key, key), n) for key, n in found.by_subject_type.items()],
            "plot": _throughput(found),
            "opts": self.model._meta,
        }
        return TemplateResponse(request, "approvals/statistics.html", context)


def _chosen_days(text: str) -> int:
    days = int(text) if text.isascii() and text.isdigit() else USUAL_PERIOD_DAYS
    return days if days in PERIODS_DAYS else USUAL_PERIOD_DAYS


def _throughput(found: selectors.ApprovalStatistics) -> Plot:
    data = PlotData(
        title=_("Requests by day"),
        description=_("How many requests came and how many were decided on each day, in UTC."),
        labels=[format_day(day.day, "short") for day in found.days],
        series=(
            Series(_("Came in"), [day.requested for day in found.days]),
            Series(_("Decided"), [day.decided for day in found.days]),
        ),
        unit=_("requests"),
    )
    return draw_lines(data)
