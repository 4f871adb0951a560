"""Giving quota back for calls that the gateway let through but that are not billed."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from apps.core import outbox
from apps.core.ids import format_public_id
from apps.gateway.store.counters import CounterColdError, CounterStore
from apps.gateway.valkey import get_client
from apps.subscriptions.calendar import period_at
from apps.subscriptions.models import Subscription

GIVE_BACK_TOPIC: Final = "usage.give_back"


@outbox.handles(GIVE_BACK_TOPIC)
def give_back_calls(payload: dict[str, Any]) -> None:
    """Give each call back once; the store remembers the event for a day.

    A counter that is cold needs nothing: when it is created again, it starts from the windows, in which these calls
    do not count.
    """
    subscription = Subscription.objects.select_related("price_version").get(
        pk=UUID(payload["subscription_id"])
    )
    store = CounterStore(get_client())
    for event_id, occurred_at in payload["calls"]:
        period = period_at(subscription, datetime.fromisoformat(occurred_at))
        try:
            store.give_back(
                org_id=format_public_id("org", subscription.consumer_organization_id),
                sub_id=subscription.public_id,
                period_start=int(period.start.timestamp() * 1000),
                event_id=event_id,
            )
        except CounterColdError:
            continue
