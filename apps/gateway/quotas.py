"""What is left of subscriptions' quotas, caps and rate limits this moment, as the gateway counts and enforces them.

From Valkey alone where it knows the subscription: the registry entry that the authorizers serve by, and the counters
that they count in. Else from PostgreSQL: the entry as it should be, and what has been counted into windows.

Source: docs/domain/quotas.md §2.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

import structlog
from django.db.models import prefetch_related_objects
from redis import Redis
from redis.exceptions import RedisError

from apps.core import clock
from apps.core.clock import Period
from apps.core.ids import parse_public_id
from apps.gateway import entries
from apps.gateway.entries import InvalidEntryError, decode_entry
from apps.gateway.entry_payloads import wanted_subscription
from apps.gateway.store import live, names
from apps.gateway.store.live import Packed, WindowStanding
from apps.gateway.valkey import get_client
from apps.subscriptions.models import Subscription
from apps.subscriptions.usage_sources import UsageQuestion, used_calls

logger = structlog.get_logger(__name__)

QUOTA_EXCEEDED: Final = "quota_exceeded"
SPEND_CAP_REACHED: Final = "spend_cap_reached"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveQuota:
    """One subscription's standing. Times are the account's business time.

    `limit` is the plan's and what was granted beside it for this period (`extra` of it); None without a quota.
    `spend_calls` is the number of calls at which the consumer's cap is reached; None without one.
    """

    subscription_id: str
    organization_id: str
    source: Literal["store", "database"]
    now: datetime
    period: Period
    used: int
    limit: int | None
    extra: int
    is_hard: bool
    spend_calls: int | None
    windows: tuple[WindowStanding, ...]

    @property
    def remaining(self) -> int | None:
        """Calls left of the quota; None without one."""
        return None if self.limit is None else max(0, self.limit - self.used)

    @property
    def spend_remaining(self) -> int | None:
        """Calls left below the spend cap; None without one."""
        return None if self.spend_calls is None else max(0, self.spend_calls - self.used)

    @property
    def kind(self) -> str:
        """`hard`, `soft`, or `none` without a quota."""
        if self.limit is None:
            return "none"
        return "hard" if self.is_hard else "soft"

    @property
    def stop_reason(self) -> str | None:
        """Why the gateway refuses the next call, as its answer's code; None while the period has room.

        Where both bounds are reached the quota is told: a higher cap would not help.
        """
        if self.is_hard and self.remaining == 0:
            return QUOTA_EXCEEDED
        return SPEND_CAP_REACHED if self.spend_remaining == 0 else None

    @property
    def resets_in_s(self) -> int:
        """Whole seconds until counting starts again, rounded up."""
        return max(0, -int((self.now - self.period.end).total_seconds() // 1))


@dataclass(frozen=True, slots=True)
class _Known:
    """A subscription's entry with its id; from PostgreSQL where the store does not hold it."""

    sub_id: str
    entry: entries.Subscription


def find_live_quota(sub_id: str) -> LiveQuota | None:
    """Return a subscription's standing from Valkey alone; None where it does not know the subscription or is away."""
    return find_live_quotas([sub_id]).get(sub_id)


def find_live_quotas(sub_ids: Sequence[str]) -> dict[str, LiveQuota]:
    """Return the standings that Valkey knows, in two round trips and without a query."""
    try:
        return read_live_quotas(sub_ids)
    except RedisError as error:
        logger.warning("gateway.quotas_without_store", error=str(error))
        return {}


def read_live_quotas(sub_ids: Sequence[str]) -> dict[str, LiveQuota]:
    """Do as `find_live_quotas`, but say when Valkey cannot answer.

    Raises:
        redis.exceptions.RedisError: it cannot.
    """
    return _from_store(get_client(), sub_ids)


def live_quotas(subscriptions: Iterable[Subscription]) -> dict[str, LiveQuota]:
    """Return the standings of subscriptions by public id; what Valkey does not know comes from PostgreSQL.

    No query where Valkey knows them all, else at most six, whatever their number. Those that are not at the gateway at
    all (they have ended, or wait for their provider) are left out. The rows come with `price_version` and
    `consumer_organization`.
    """
    rows = {row.public_id: row for row in subscriptions}
    found = find_live_quotas(list(rows))
    missing = [row for sub_id, row in rows.items() if sub_id not in found]
    return {**found, **_from_database(missing)}


def live_quotas_by_id(sub_ids: Iterable[str]) -> dict[str, LiveQuota]:
    """Do as `live_quotas` where only public ids are at hand; one query more for what Valkey does not know."""
    asked = list(dict.fromkeys(sub_ids))
    found = find_live_quotas(asked)
    missing = [parse_public_id(Subscription.id_prefix, item) for item in asked if item not in found]
    if not missing:
        return found
    rows = Subscription.objects.filter(pk__in=missing)
    related = rows.select_related("consumer_organization", "price_version")
    return {**found, **_from_database(list(related))}


def key_windows(
    org_id: str, key_id: str, limits: Sequence[entries.RateLimit]
) -> list[WindowStanding]:
    """Return what is left of a key's own limits; nothing used where Valkey is away."""
    now_ms, packed = round(clock.now().timestamp() * 1000), [live.EMPTY]
    try:
        now_ms, packed = live.read_packed(get_client(), [names.key_windows(org_id, key_id)])
    except RedisError as error:
        logger.warning("gateway.quotas_without_store", error=str(error))
    return list(live.stand(limits, packed[0], now_ms))


def counted_calls(subscription: Subscription, period: Period) -> int:
    """Return what the gateway's counter holds of a period; 0 where it is away or knows nothing."""
    key = names.subscription_counters(
        subscription.consumer_organization.public_id, subscription.public_id
    )
    try:
        _now, packed = live.read_packed(get_client(), [key])
    except RedisError as error:
        logger.warning("gateway.quotas_without_store", error=str(error))
        return 0
    return packed[0].periods.get(round(period.start.timestamp() * 1000), 0)


def _from_store(client: Redis, sub_ids: Sequence[str]) -> dict[str, LiveQuota]:
    if not sub_ids:
        return {}
    fields = [f"{entries.SUBSCRIPTION}:{sub_id}" for sub_id in sub_ids]
    known = [
        _Known(sub_id, entry)
        for sub_id, raw in zip(sub_ids, client.hmget(names.ENTRIES, fields), strict=True)
        if raw is not None and (entry := _decode(raw)) is not None
    ]
    keys = [names.subscription_counters(item.entry.consumer_org_id, item.sub_id) for item in known]
    if not keys:
        return {}
    now_ms, packed = live.read_packed(client, keys)
    standings = (_standing(item, value, now_ms) for item, value in zip(known, packed, strict=True))
    return {standing.subscription_id: standing for standing in standings if standing is not None}


def _decode(raw: bytes | str) -> entries.Subscription | None:
    try:
        entry = decode_entry(entries.SUBSCRIPTION, raw)
    except InvalidEntryError:  # written by another release
        return None
    return entry if isinstance(entry, entries.Subscription) else None


def _standing(known: _Known, packed: Packed, now_ms: int) -> LiveQuota | None:
    """Put entry and counters together; None without a period that runs, or without its counter."""
    business_ms = now_ms + known.entry.clock_offset_ms
    period = _period_at(known.entry, business_ms)
    if period is None or period.start not in packed.periods:
        return None
    windows = tuple(live.stand(known.entry.limits, packed, now_ms))
    used = packed.periods[period.start]
    return _quota(
        known,
        period,
        used=used,
        source="store",
        business_ms=business_ms,
        windows=windows,
    )


def _from_database(rows: Sequence[Subscription]) -> dict[str, LiveQuota]:
    known = []
    _read_ahead(rows)
    for row in rows:
        entry = wanted_subscription(row).entry
        if isinstance(entry, entries.Subscription):
            known.append((_Known(row.public_id, entry), row))
    now_ms = round(clock.now().timestamp() * 1000)
    running = []
    for item, row in known:
        period = _period_at(item.entry, now_ms + item.entry.clock_offset_ms)
        if period is not None:
            running.append((item, period, UsageQuestion(row.pk, _span(period))))
    used = used_calls(question for _item, _period, question in running)
    return {
        item.sub_id: _quota(
            item,
            period,
            used=used[question],
            source="database",
            business_ms=now_ms + item.entry.clock_offset_ms,
            windows=tuple(live.stand(item.entry.limits, live.EMPTY, now_ms)),
        )
        for item, period, question in running
    }


def _read_ahead(rows: Sequence[Subscription]) -> None:
    prefetch_related_objects(
        list(rows), "quota_top_ups", "spend_caps", "price_version__components__tiers"
    )


def _quota(
    known: _Known,
    period: entries.Period,
    *,
    used: int,
    source: Literal["store", "database"],
    business_ms: int,
    windows: tuple[WindowStanding, ...],
) -> LiveQuota:
    quota = known.entry.quota
    assert quota is not None  # noqa: S101 -- `period` is one of its
    return LiveQuota(
        subscription_id=known.sub_id,
        organization_id=known.entry.consumer_org_id,
        source=source,
        now=_instant(business_ms),
        period=_span(period),
        used=used,
        limit=quota.limit_in(period),
        extra=period.extra,
        is_hard=quota.hard and quota.limit is not None,
        spend_calls=quota.spend_calls,
        windows=windows,
    )


def _period_at(entry: entries.Subscription, business_ms: int) -> entries.Period | None:
    periods = () if entry.quota is None else entry.quota.periods
    return next((item for item in periods if item.start <= business_ms < item.end), None)


def _span(period: entries.Period) -> Period:
    return Period(_instant(period.start), _instant(period.end))


def _instant(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)
