"""Forgetting what nobody asks for any more."""

from __future__ import annotations

from django.db import transaction

from apps.core import clock
from apps.notifications.constants import DELIVERIES_KEPT_FOR
from apps.notifications.enums import OPEN_STATUSES
from apps.notifications.models import WebhookDelivery, WebhookEvent

BATCH_SIZE = 5_000


def forget_old_deliveries() -> dict[str, int]:
    """Delete deliveries that ended and events of thirty days ago, in batches; return how many of each."""
    return {"deliveries": _forget_deliveries(), "events": _forget_events()}


def _forget_deliveries() -> int:
    old = WebhookDelivery.objects.filter(created_at__lt=clock.now() - DELIVERIES_KEPT_FOR).exclude(
        status__in=OPEN_STATUSES
    )
    total = 0
    while ids := list(old.values_list("pk", flat=True)[:BATCH_SIZE]):
        with transaction.atomic():
            WebhookDelivery.objects.filter(pk__in=ids).delete()
        total += len(ids)
    return total


def _forget_events() -> int:
    old = WebhookEvent.objects.filter(
        created_at__lt=clock.now() - DELIVERIES_KEPT_FOR, deliveries=None
    )
    total = 0
    while ids := list(old.values_list("pk", flat=True)[:BATCH_SIZE]):
        with transaction.atomic():
            WebhookEvent.objects.filter(pk__in=ids).delete()
        total += len(ids)
    return total
