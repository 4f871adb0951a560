"""Filters of the queue."""

from __future__ import annotations

import django_filters as filters  # type: ignore[import-untyped]  # ships none
from django.db.models import QuerySet

from apps.approvals.enums import OPEN_STATUSES, ApprovalStatus, Priority
from apps.approvals.models import ApprovalRequest
from apps.core import clock


class QueueFilter(filters.FilterSet):  # type: ignore[misc]  # django-filter has no types
    """By status, type, priority, openness and lateness."""

    status = filters.MultipleChoiceFilter(choices=ApprovalStatus.choices)
    priority = filters.MultipleChoiceFilter(choices=Priority.choices)
    subject_type = filters.CharFilter()
    is_open = filters.BooleanFilter(method="filter_open")
    overdue = filters.BooleanFilter(method="filter_overdue")

    class Meta:
        """No filters beyond those above."""

        model = ApprovalRequest
        fields: tuple[str, ...] = ()

    def filter_open(
        self,
        rows: QuerySet[ApprovalRequest],
        _name: str,
        wanted: bool,  # noqa: FBT001 -- django-filter calls it so
    ) -> QuerySet[ApprovalRequest]:
        """Keep undecided requests, or decided ones."""
        return (
            rows.filter(status__in=OPEN_STATUSES)
            if wanted
            else rows.exclude(status__in=OPEN_STATUSES)
        )

    def filter_overdue(
        self,
        rows: QuerySet[ApprovalRequest],
        _name: str,
        wanted: bool,  # noqa: FBT001 -- as above
    ) -> QuerySet[ApprovalRequest]:
        """Keep requests whose deadline passed, or the others."""
        late = {"status__in": OPEN_STATUSES, "due_at__lt": clock.now()}
        return rows.filter(**late) if wanted else rows.exclude(**late)
