"""Sees that the quota counters of a subscription exist before the gateway serves it.

A missing counter is never a full quota: the authorizer answers 503 for it. So whoever writes a
subscription to the registry creates its counters first, from the usage that Postgres knows.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

from apps.core.clock import Period
from apps.core.ids import parse_public_id
from apps.gateway.entries import Change
from apps.gateway.entries import Period as QuotaPeriod
from apps.gateway.entries import Subscription as SubscriptionEntry
from apps.gateway.store.counters import CounterStore, WantedCounter
from apps.subscriptions.models import Subscription
from apps.subscriptions.usage_sources import UsageQuestion, used_calls


def ensure_counters(changes: Iterable[Change], store: CounterStore) -> int:
    """Create the missing counters of every subscription among the changes; return how many were asked for.

    A counter that exists is only ever raised: it holds every call that was let through, so it cannot be
    below what has been counted. One that is was created before the last calls came in.

    Raises:
        redis.exceptions.RedisError: the store cannot answer.
    """
    wanted = [
        (change.id, change.entry.consumer_org_id, period, _question(change.id, period))
        for change in changes
        if isinstance(change.entry, SubscriptionEntry) and change.entry.quota is not None
        for period in change.entry.quota.periods
    ]
    used = used_calls(question for *_, question in wanted)
    counters = [
        WantedCounter(org_id, sub_id, period.start, used[question])
        for sub_id, org_id, period, question in wanted
    ]
    for counter, held in zip(counters, store.ensure_many(counters), strict=True):
        if held < counter.used:
            store.raise_to(
                org_id=counter.org_id,
                sub_id=counter.sub_id,
                period_start=counter.period_start,
                least=counter.used,
            )
    return len(wanted)


def _question(sub_id: str, period: QuotaPeriod) -> UsageQuestion:
    subscription_id: UUID = parse_public_id(Subscription.id_prefix, sub_id)
    return UsageQuestion(subscription_id, Period(_instant(period.start), _instant(period.end)))


def _instant(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)
