"""Closed periods that usage came late for."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from apps.billing.enums import PeriodStatus
from apps.billing.models import BillingPeriod
from apps.core.exceptions import NotFound
from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.core.querysets import only_of
from apps.usage.enums import DifferenceState, LateResolution
from apps.usage.models import LateEvent, WindowDifference


def periods_due_for_rerating(organization_id: UUID | None = None) -> QuerySet[BillingPeriod]:
    """Return the closed periods with open late events or window differences, in their order. Two queries."""
    late = LateEvent.objects.filter(resolution=LateResolution.OPEN)
    differences = WindowDifference.objects.filter(state=DifferenceState.OPEN)
    subscriptions = set(late.values_list("subscription_id", flat=True).distinct())
    subscriptions |= set(differences.values_list("subscription_id", flat=True).distinct())
    inside = {
        "subscription_id": OuterRef("subscription_id"),
        "window_start__gte": OuterRef("period_start"),
        "window_start__lt": OuterRef("period_end"),
    }
    rows = BillingPeriod.objects.filter(
        Exists(late.filter(**inside)) | Exists(differences.filter(**inside)),
        subscription_id__in=subscriptions,
        status=PeriodStatus.CLOSED,
    )
    rows = only_of(rows, organization_id, field="consumer_organization_id")
    return rows.order_by("subscription_id", "number", "part")


def get_any_period(public_id: str) -> BillingPeriod:
    """Return a period of any organization, for the operator.

    Raises:
        NotFound: unknown or malformed.
    """
    try:
        pk = parse_public_id(BillingPeriod.id_prefix, public_id)
    except InvalidPublicIdError:
        raise NotFound from None
    row = BillingPeriod.objects.filter(pk=pk).first()
    if row is None:
        raise NotFound
    return row
