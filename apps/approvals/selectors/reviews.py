"""Reads of the review page."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.db.models import DurationField, ExpressionWrapper, F, QuerySet

from apps.approvals.models import ApprovalRequest
from apps.approvals.selectors.statistics import DECIDED, Percentile

PREVIOUS_SHOWN: Final = 10


def list_previous_requests(request: ApprovalRequest) -> QuerySet[ApprovalRequest]:
    """Return what was decided about the same subject before, the newest first."""
    rows = ApprovalRequest.objects.filter(
        subject_type=request.subject_type, subject_id=request.subject_id
    )
    earlier = rows.exclude(pk=request.pk).select_related("decided_by").order_by("-id")
    return earlier[:PREVIOUS_SHOWN]


def median_time_to_decision(since: datetime) -> timedelta | None:
    """Return how long half of the decisions since then took at most; None without decisions."""
    taken = ExpressionWrapper(F("decided_at") - F("created_at"), output_field=DurationField())
    decided = ApprovalRequest.objects.filter(status__in=DECIDED, decided_at__gte=since)
    found: timedelta | None = decided.aggregate(median=Percentile(taken, share=Decimal("0.5")))[
        "median"
    ]
    return found
