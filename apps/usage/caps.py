"""A spend cap as its consumer reads it: money spent and left, beside calls."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.core.cache import cache
from django_redis.exceptions import ConnectionInterrupted
from redis.exceptions import RedisError

from apps.core.ids import parse_public_id
from apps.core.money import Money
from apps.gateway.quotas import live_quotas
from apps.subscriptions.models import SpendCap, Subscription
from apps.subscriptions.spend import calls_within, current_cap, prices_of, spent_on

KEPT_S: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class CapStanding:
    """A cap with what this period has spent of it; before tax.

    `calls` is the number of calls at which it is reached; None where no number of calls does.
    """

    amount: Money
    spent: Money
    calls: int | None
    used: int
    set_at: datetime

    @property
    def remaining_calls(self) -> int | None:
        """Calls left below the cap."""
        return None if self.calls is None else max(0, self.calls - self.used)

    @property
    def is_reached(self) -> bool:
        """Whether the next call is refused."""
        return self.remaining_calls == 0


def cap_standing(subscription: Subscription) -> CapStanding | None:
    """Return how much of a subscription's cap is spent; None without one. Five queries at most.

    The subscription comes with `price_version` and `consumer_organization`.
    """
    cap = current_cap(subscription)
    if cap is None:
        return None
    table = prices_of(subscription)
    quota = live_quotas([subscription]).get(subscription.public_id)
    used = quota.used if quota else 0
    return CapStanding(
        amount=cap.amount,
        spent=spent_on(table, used),
        calls=calls_within(table, cap.amount),
        used=used,
        set_at=cap.set_at,
    )


def cap_amount_of(subscription_id: str) -> Money | None:
    """Return a subscription's cap by public id; from the cache for a minute, until it is changed."""
    key = _cache_key(subscription_id)
    kept: Money | None = None
    with suppress(RedisError, ConnectionInterrupted):  # without the cache PostgreSQL is asked
        kept = cache.get(key)
    if kept is None:
        pk = parse_public_id(Subscription.id_prefix, subscription_id)
        cap = SpendCap.objects.filter(subscription_id=pk, removed_at__isnull=True).first()
        kept = cap.amount if cap else None
        with suppress(RedisError, ConnectionInterrupted):
            cache.set(key, kept, timeout=KEPT_S)
    return kept


def forget_cap_amount(subscription_id: str) -> None:
    """Drop what the cache holds of a cap that was changed."""
    with suppress(RedisError, ConnectionInterrupted):  # then it ends by itself, within a minute
        cache.delete(_cache_key(subscription_id))


def _cache_key(subscription_id: str) -> str:
    return f"spend-cap:{subscription_id}"
