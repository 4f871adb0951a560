"""Reads of the decisions that waiting subscriptions need."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from apps.approvals.models import ApprovalRequest
from apps.approvals.selectors import find_last_request, find_open_request
from apps.subscriptions.constants import ACCESS_SUBJECT
from apps.subscriptions.models import Subscription


def find_open_access_request(subscription: Subscription) -> ApprovalRequest | None:
    """Return what the provider has to decide about a subscription, if it waits for a decision."""
    return find_open_request(ACCESS_SUBJECT, subscription.pk)


def find_access_request(subscription: Subscription) -> ApprovalRequest | None:
    """Return the request about a subscription, decided or not; None where the plan asked for no approval."""
    return find_last_request(ACCESS_SUBJECT, subscription.pk)


def access_requests_of(subscriptions: Iterable[Subscription]) -> dict[UUID, ApprovalRequest]:
    """Return the requests about many subscriptions, by the subscription's key. One query."""
    keys = [row.pk for row in subscriptions]
    rows = ApprovalRequest.objects.filter(subject_type=ACCESS_SUBJECT, subject_id__in=keys)
    return {row.subject_id: row for row in rows.order_by("id")}
