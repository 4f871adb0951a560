"""Where an event belongs: its subscription, its tenants, its business time, and whether it is billed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.keys.models import ApiKey
from apps.pricing.enums import BillableStatuses
from apps.subscriptions.models import Subscription
from apps.usage.constants import GATEWAY_SOURCE
from apps.usage.enums import RejectionCode
from apps.usage.event_schema import MEASURED, IncomingEvent
from apps.usage.instants import EPOCH, MICROSECOND, MILLISECOND_US, MINUTE_US, from_us, to_us
from apps.usage.models import UsageBatch

_NO_KEY: Final = (None, None)
HOUR: Final = timedelta(hours=1)
# The first status that is not billed any more; from 200 on.
BILLED_BELOW: Final[dict[str, int]] = {
    BillableStatuses.SUCCESS: 300,
    BillableStatuses.REDIRECTS: 400,
    BillableStatuses.CLIENT_ERRORS: 500,
    BillableStatuses.ALL: 1000,
}


class Place(msgspec.Struct, frozen=True, eq=False):
    """What the calls of one subscription and key have in common. Compared by identity: one per batch."""

    consumer_id: UUID
    provider_id: UUID
    subscription_id: UUID
    api_id: UUID
    key_id: UUID | None
    offset_us: int
    timezone: str
    billed_below: int


# Thousands of these live through each transaction; they hold no cycles, so the garbage collector need not see them.
class Placed(msgspec.Struct, frozen=True, eq=False, gc=False):
    """An event with everything that its row needs. Times are microseconds (see `instants`).

    `occurred_us` is business time, `decided_us` real time; `window_us` is the start of the window.
    """

    event: IncomingEvent
    place: Place
    occurred_us: int
    decided_us: int
    window_us: int
    is_billable: bool

    @property
    def is_call(self) -> bool:
        """Whether it is a call, and not only a value that a provider sent for a meter."""
        return self.event.outcome != MEASURED


class Misplaced(msgspec.Struct, frozen=True):
    """Why an event belongs nowhere."""

    code: RejectionCode
    reason: str


def window_start_of(instant: datetime, timezone: str) -> datetime:
    """Return the start of the local hour that holds an instant.

    Windows follow the local hour, because a period starts at local midnight, which in zones such as Asia/Kolkata
    is not on a full hour of UTC.
    """
    shift = (instant.astimezone(_zone(timezone)).utcoffset() or timedelta(0)) % HOUR
    return (instant + shift).replace(minute=0, second=0, microsecond=0) - shift


@lru_cache(maxsize=600)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@lru_cache(maxsize=4096)
def window_of_minute(minute: int, timezone: str) -> int:
    """Return where the hour of a minute starts, in microseconds; a zone's offset changes on full minutes only."""
    return to_us(window_start_of(from_us(minute * MINUTE_US), timezone))


def local_day_of(instant: datetime, timezone: str) -> tuple[datetime, datetime]:
    """Return the start and the end, in UTC, of the local day that holds an instant; it has 23 to 25 hours."""
    zone = _zone(timezone)
    day = instant.astimezone(zone).date()
    starts = [datetime.combine(each, time.min, zone) for each in (day, day + timedelta(days=1))]
    return starts[0].astimezone(UTC), starts[1].astimezone(UTC)


@lru_cache(maxsize=4096)
def day_of_minute(minute: int, timezone: str) -> tuple[int, int]:
    """Return the bounds of the local day that holds a minute, in microseconds."""
    start, end = local_day_of(from_us(minute * MINUTE_US), timezone)
    return to_us(start), to_us(end)


def is_billable(event: IncomingEvent, billed_below: int) -> bool:
    """Whether a call counts towards the bill: it was completed with an answer that the plan bills.

    An error that the gateway itself answered, because the upstream was not reached or said nothing, is never billed.
    A measurement has no status; it is billed by the meters that take it.
    """
    if event.outcome == MEASURED:
        return True
    if event.outcome != "completed" or not 200 <= (event.status or 0) < billed_below:
        return False
    is_own_answer = event.source == GATEWAY_SOURCE and event.upstream_latency_ms is None
    return not is_own_answer or (event.status or 0) < 300


def place_events(
    batch: UsageBatch, events: Sequence[IncomingEvent]
) -> tuple[list[Placed], list[tuple[IncomingEvent, Misplaced]]]:
    """Find each event's subscription; the account's test clock moves its time.

    The clock as it stood when the gateway decided: it may have been moved between the call and its processing.
    """
    is_gateway = batch.organization_id is None
    places = _places_of(batch, {(event.subscription_id, event.key_id) for event in events})
    placed: list[Placed] = []
    unplaced: list[tuple[IncomingEvent, Misplaced]] = []
    for event in events:
        place = places[event.subscription_id, event.key_id]
        if isinstance(place, Misplaced):
            unplaced.append((event, place))
            continue
        decided_us = (event.occurred_at - EPOCH) // MICROSECOND  # inlined: runs for every call
        if is_gateway and event.clock_offset_ms is not None:
            occurred_us = decided_us + event.clock_offset_ms * MILLISECOND_US
        else:
            occurred_us = decided_us + place.offset_us
        window_us = window_of_minute(occurred_us // MINUTE_US, place.timezone)
        is_billed = is_billable(event, place.billed_below)
        placed.append(Placed(event, place, occurred_us, decided_us, window_us, is_billed))
    return placed, unplaced


def _places_of(
    batch: UsageBatch, named: set[tuple[str, str | None]]
) -> dict[tuple[str, str | None], Place | Misplaced]:
    """Resolve each pair of public ids, to a place or to the reason why there is none."""
    subscriptions = _subscriptions_of(subscription for subscription, _key in named)
    keys = _keys_of(key for _subscription, key in named)
    places: dict[tuple[str, str | None], Place | Misplaced] = {}
    for subscription, key in named:
        row = subscriptions.get(subscription)
        if row is None:
            places[subscription, key] = Misplaced(
                RejectionCode.UNKNOWN_SUBSCRIPTION, f"Unknown subscription {subscription}."
            )
        elif batch.organization_id is not None and row[2] != batch.organization_id:
            places[subscription, key] = Misplaced(
                RejectionCode.NOT_YOURS, "The subscription is not to an API of the sender."
            )
        elif batch.organization_id is not None and key and keys.get(key, _NO_KEY)[1] != row[0]:
            places[subscription, key] = Misplaced(
                RejectionCode.UNKNOWN_KEY, f"The subscription has no key {key}."
            )
        else:
            subscription_id, consumer_id, provider_id, api_id, offset, timezone, billed = row
            places[subscription, key] = Place(
                consumer_id=consumer_id,
                provider_id=provider_id,
                subscription_id=subscription_id,
                api_id=api_id,
                key_id=keys.get(key or "", _NO_KEY)[0],
                offset_us=offset // MICROSECOND,
                timezone=timezone,
                billed_below=BILLED_BELOW[billed],
            )
    return places


def _ids(prefix: str, texts: Iterable[str | None]) -> dict[UUID, str]:
    found: dict[UUID, str] = {}
    for text in {text for text in texts if text}:
        try:
            found[parse_public_id(prefix, text)] = text
        except InvalidPublicIdError:
            continue
    return found


def _subscriptions_of(
    texts: Iterable[str],
) -> dict[str, tuple[UUID, UUID, UUID, UUID, timedelta, str, str]]:
    ids = _ids(Subscription.id_prefix, texts)
    rows = Subscription.objects.filter(pk__in=ids).values_list(
        "id",
        "consumer_organization_id",
        "provider_organization_id",
        "api_id",
        "consumer_organization__clock_offset",
        "timezone",
        "price_version__billable_statuses",
    )
    return {ids[row[0]]: row for row in rows}


def _keys_of(texts: Iterable[str | None]) -> dict[str, tuple[UUID | None, UUID | None]]:
    """Return each known key with its subscription."""
    ids = _ids(ApiKey.id_prefix, texts)
    known = ApiKey.objects.filter(pk__in=ids).values_list("id", "subscription_id")
    return {ids[pk]: (pk, subscription_id) for pk, subscription_id in known}
