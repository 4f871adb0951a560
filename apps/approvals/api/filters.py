"""Filters of the queue."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import django_filters as filters  # type: ignore[import-untyped]  # ships none
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError

from apps.accounts.models import Organization, User
from apps.approvals.enums import OPEN_STATUSES, ApprovalStatus, Priority
from apps.approvals.models import ApprovalRequest
from apps.approvals.selectors import overdue_filter
from apps.core.ids import InvalidPublicIdError, parse_public_id

Rows = QuerySet[ApprovalRequest]

# The same filters, as the OpenAPI document names them.
QUEUE_PARAMETERS = [
    OpenApiParameter("status", str, many=True, enum=ApprovalStatus.values),
    OpenApiParameter("priority", str, many=True, enum=Priority.values),
    OpenApiParameter("subject_type", str, description="For example `apis.api`; also as `type`."),
    OpenApiParameter("is_open", bool),
    OpenApiParameter("overdue", bool),
    OpenApiParameter("delegated", bool, description="Decided by an organization, not escalated."),
    OpenApiParameter("mine", bool, description="Assigned to the caller."),
    OpenApiParameter("assignee", str, description="A person's id, `me` or `none`."),
    OpenApiParameter("organization", str, description="The requesting organization's id."),
    OpenApiParameter("created_from", datetime),
    OpenApiParameter("created_until", datetime, description="Not included."),
    OpenApiParameter("q", str, description="Words of the title, organization or requester."),
]


class QueueFilter(filters.FilterSet):  # type: ignore[misc]  # django-filter has no types
    """By status, type, priority, openness, lateness, people, organization, time and words."""

    status = filters.MultipleChoiceFilter(choices=ApprovalStatus.choices)
    priority = filters.MultipleChoiceFilter(choices=Priority.choices)
    subject_type = filters.CharFilter()
    type = filters.CharFilter(field_name="subject_type")
    is_open = filters.BooleanFilter(method="filter_open")
    overdue = filters.BooleanFilter(method="filter_overdue")
    delegated = filters.BooleanFilter(method="filter_delegated")
    mine = filters.BooleanFilter(method="filter_mine")
    assignee = filters.CharFilter(method="filter_assignee")
    organization = filters.CharFilter(method="filter_organization")
    created_from = filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")
    created_until = filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="lt")
    q = filters.CharFilter(method="filter_words", max_length=100)

    class Meta:
        """No filters beyond those above."""

        model = ApprovalRequest
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, user_id: UUID | None = None, **fields: Any) -> None:
        """Keep who asks, for `mine`."""
        super().__init__(*args, **fields)
        self.user_id = user_id

    def filter_open(self, rows: Rows, _name: str, wanted: bool) -> Rows:  # noqa: FBT001 -- django-filter calls it so
        """Keep undecided requests, or decided ones."""
        is_open = Q(status__in=OPEN_STATUSES)
        return rows.filter(is_open if wanted else ~is_open)

    def filter_overdue(self, rows: Rows, _name: str, wanted: bool) -> Rows:  # noqa: FBT001 -- as above
        """Keep requests whose deadline passed, or the others."""
        return rows.filter(overdue_filter() if wanted else ~overdue_filter())

    def filter_delegated(self, rows: Rows, _name: str, wanted: bool) -> Rows:  # noqa: FBT001 -- as above
        """Keep what another organization decides, or what the back office may."""
        delegated = Q(deciding_organization__isnull=False, escalated_at=None)
        return rows.filter(delegated if wanted else ~delegated)

    def filter_mine(self, rows: Rows, _name: str, wanted: bool) -> Rows:  # noqa: FBT001 -- as above
        """Keep what is assigned to the caller, or what is not."""
        is_mine = Q(assignee_id=self.user_id, assignee__isnull=False)
        return rows.filter(is_mine if wanted else ~is_mine)

    def filter_assignee(self, rows: Rows, name: str, wanted: str) -> Rows:
        """Keep one person's requests: a public id, `me`, or `none`."""
        if wanted == "none":
            return rows.filter(assignee=None)
        if wanted == "me":
            return self.filter_mine(rows, name, wanted=True)
        return rows.filter(assignee_id=_parsed(name, User.id_prefix, wanted))

    def filter_organization(self, rows: Rows, name: str, wanted: str) -> Rows:
        """Keep one organization's requests, by its public id."""
        return rows.filter(organization_id=_parsed(name, Organization.id_prefix, wanted))

    def filter_words(self, rows: Rows, _name: str, wanted: str) -> Rows:
        """Keep requests whose title, organization or requester has every word."""
        for word in wanted.split():
            rows = rows.filter(
                Q(title__icontains=word)
                | Q(organization__name__icontains=word)
                | Q(requested_by__name__icontains=word)
                | Q(requested_by__email__icontains=word)
            )
        return rows


def _parsed(name: str, prefix: str, public_id: str) -> UUID:
    try:
        return parse_public_id(prefix, public_id)
    except InvalidPublicIdError:
        raise ValidationError({name: [_("This is no id of that kind.")]}) from None
