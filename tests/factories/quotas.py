"""A subscription as the gateway knows it: entry and counter in the store, without a relay."""

from __future__ import annotations

from apps.gateway import entries
from apps.gateway.entries import encode_entry
from apps.gateway.entry_payloads import wanted_subscription
from apps.gateway.store import names
from apps.gateway.valkey import get_client, get_counters
from apps.subscriptions.models import Subscription


def bring_to_gateway(subscription: Subscription, *, used: int | None = None) -> None:
    """Write the subscription's entry and make its counters; `used` is what this period's holds then."""
    row = Subscription.objects.select_related("consumer_organization", "price_version").get(
        pk=subscription.pk
    )
    entry = wanted_subscription(row).entry
    assert isinstance(entry, entries.Subscription)
    assert entry.quota is not None
    field = f"{entries.SUBSCRIPTION}:{row.public_id}"
    get_client().hset(names.ENTRIES, field, encode_entry(entry))
    store = get_counters()
    for period in entry.quota.periods:
        store.ensure_counter(
            org_id=entry.consumer_org_id, sub_id=row.public_id, period_start=period.start, used=0
        )
    if used is not None:
        use_calls(row, used)


def use_calls(subscription: Subscription, used: int) -> None:
    """Set what the counter of the running period holds."""
    store, org_id = get_counters(), subscription.consumer_organization.public_id
    held = store.read(org_id=org_id, sub_id=subscription.public_id)
    start = min(held)
    store.adjust(
        org_id=org_id,
        sub_id=subscription.public_id,
        period_start=start,
        delta=used - held[start],
    )
