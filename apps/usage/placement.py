"""Where an event belongs: its subscription, its tenants, its business time, and whether it is billed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.keys.models import ApiKey
from apps.subscriptions.models import Subscription
from apps.usage.event_schema import IncomingEvent, to_utc
from apps.usage.models import UsageBatch

HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Placed:
    """An event with everything that its row needs. `occurred_at` is business time."""

    event: IncomingEvent
    occurred_at: datetime
    consumer_id: UUID
    provider_id: UUID
    subscription_id: UUID
    api_id: UUID
    key_id: UUID | None
    is_billable: bool
    window_start: datetime


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


def is_billable(event: IncomingEvent) -> bool:
    """Whether a call counts towards the bill: it was completed with a 2xx answer."""
    return event.outcome == "completed" and 200 <= (event.status or 0) < 300


def place_events(
    batch: UsageBatch, events: Sequence[IncomingEvent]
) -> tuple[list[Placed], list[tuple[IncomingEvent, str]]]:
    """Find each event's subscription; the account's test clock moves its time."""
    subscriptions = _subscriptions_of(events)
    keys = _keys_of(events)
    placed: list[Placed] = []
    unplaced: list[tuple[IncomingEvent, str]] = []
    for event in events:
        row = subscriptions.get(event.subscription_id)
        if row is None:
            unplaced.append((event, f"Unknown subscription {event.subscription_id}."))
        elif batch.organization_id is not None and row[2] != batch.organization_id:
            unplaced.append((event, "The subscription is not to an API of the sender."))
        else:
            subscription_id, consumer_id, provider_id, api_id, offset, timezone = row
            occurred_at = to_utc(event.occurred_at) + offset
            placed.append(
                Placed(
                    event=event,
                    occurred_at=occurred_at,
                    consumer_id=consumer_id,
                    provider_id=provider_id,
                    subscription_id=subscription_id,
                    api_id=api_id,
                    key_id=keys.get(event.key_id or ""),
                    is_billable=is_billable(event),
                    window_start=window_start_of(occurred_at, timezone),
                )
            )
    return placed, unplaced


def _ids(prefix: str, texts: Iterable[str | None]) -> dict[UUID, str]:
    found: dict[UUID, str] = {}
    for text in {text for text in texts if text}:
        try:
            found[parse_public_id(prefix, text)] = text
        except InvalidPublicIdError:
            continue
    return found


def _subscriptions_of(
    events: Iterable[IncomingEvent],
) -> dict[str, tuple[UUID, UUID, UUID, UUID, timedelta, str]]:
    ids = _ids(Subscription.id_prefix, (event.subscription_id for event in events))
    rows = Subscription.objects.filter(pk__in=ids).values_list(
        "id",
        "consumer_organization_id",
        "provider_organization_id",
        "api_id",
        "consumer_organization__clock_offset",
        "timezone",
    )
    return {ids[row[0]]: row for row in rows}


def _keys_of(events: Iterable[IncomingEvent]) -> dict[str, UUID]:
    ids = _ids(ApiKey.id_prefix, (event.key_id for event in events))
    known = ApiKey.objects.filter(pk__in=ids).values_list("id", flat=True)
    return {ids[pk]: pk for pk in known}
