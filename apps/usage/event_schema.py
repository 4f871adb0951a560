"""The usage event as it comes in: its shape, its rules, and its identity.

Validated by msgspec without Django, because every call of the gateway passes through here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec

from apps.usage.constants import (
    ACCEPTED_FUTURE,
    ACCEPTED_PAST,
    GATEWAY_SOURCE,
    MAX_CLOCK_OFFSET_MS,
    MAX_PATH_LENGTH,
)

# The outcome of an event that is no call.
MEASURED: Final = "measured"
Text = Annotated[str, msgspec.Meta(max_length=200)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
ClockOffset = Annotated[int, msgspec.Meta(ge=0, le=MAX_CLOCK_OFFSET_MS)]


# No cycles can arise from JSON, so the garbage collector need not walk through thousands of events.
class IncomingEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One call (or one measurement of a provider's own meter).

    A measurement has the outcome `measured` and no status: it is no call, and counts only for the provider's meters.
    `occurred_at` is real time. `status`, `latency_ms` and the byte counts are null for an unconfirmed call.
    `clock_offset_ms` is how far the account's test clock ran ahead when the gateway decided; only the gateway's word counts.
    """

    id: UUID
    source: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    occurred_at: Annotated[datetime, msgspec.Meta(tz=True)]
    subscription_id: Text
    api_id: Text
    request_id: Text = ""
    key_id: Text | None = None
    method: Annotated[str, msgspec.Meta(max_length=10)] = ""
    path: str = ""
    status: Annotated[int, msgspec.Meta(ge=0, le=999)] | None = None
    latency_ms: float | None = None
    upstream_latency_ms: float | None = None
    request_bytes: Count | None = None
    response_bytes: Count | None = None
    outcome: Literal["completed", "unconfirmed", "measured"] = "completed"
    properties: dict[str, Any] = {}
    clock_offset_ms: ClockOffset | None = None

    def __post_init__(self) -> None:
        """A completed call has a status, and a measurement has none."""
        if self.outcome == "completed" and self.status is None:
            msg = "Object missing required field `status`"
            raise ValueError(msg)
        if self.outcome == MEASURED and self.status is not None:
            msg = "`status` is for calls: an event with the outcome `measured` has none"
            raise ValueError(msg)


class ShipperReport(msgspec.Struct, frozen=True, kw_only=True):
    """How far a shipper has come: every call decided before `oldest_unshipped_at` was shipped.

    `key_addresses` says where the keys of the batch were last used from.
    """

    node: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    oldest_unshipped_at: Annotated[datetime, msgspec.Meta(tz=True)]
    key_addresses: dict[Text, Text] = {}


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a POST: events, undecoded, and the shipper's report if a shipper sent it."""

    events: list[msgspec.Raw]
    shipper: ShipperReport | None = None


class GoodEnvelope(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The body of a POST of which every event can be read: nearly all of them."""

    events: list[IncomingEvent]
    shipper: ShipperReport | None = None


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why one event of a batch was not taken."""

    index: int
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Sorted:
    """A batch after validation: how many events are good, the others, and gateway calls that cannot be read.

    `accepted` holds the bytes of the good events, or nothing when all of the body's events are good.
    """

    count: int
    accepted: tuple[bytes, ...]
    rejections: tuple[Rejection, ...]
    unreadable: tuple[tuple[bytes, str], ...]
    oldest_at: datetime | None

    @property
    def is_whole(self) -> bool:
        """Whether every event of the body was good."""
        return self.count > 0 and not self.accepted


_envelope_decoder: Final = msgspec.json.Decoder(Envelope)
_event_decoder: Final = msgspec.json.Decoder(IncomingEvent)
_good_decoder: Final = msgspec.json.Decoder(GoodEnvelope)
_stored_decoder: Final = msgspec.json.Decoder(GoodEnvelope | list[IncomingEvent])
_encoder: Final = msgspec.json.Encoder()


def decode_envelope(body: bytes) -> Envelope:
    """Read the body of a POST.

    Raises:
        msgspec.ValidationError, msgspec.DecodeError: it is not an envelope; the message says where.
    """
    return _envelope_decoder.decode(body)


def decode_event(raw: bytes) -> IncomingEvent:
    """Read one event.

    Raises:
        msgspec.ValidationError: a field is missing or wrong; the message names it.
    """
    return _event_decoder.decode(raw)


def decode_stored(body: bytes) -> GoodEnvelope:
    """Read a stored batch: an envelope as it came, or the list of its good events."""
    stored = _stored_decoder.decode(body)
    return stored if isinstance(stored, GoodEnvelope) else GoodEnvelope(events=stored)


def decode_events(body: bytes) -> list[IncomingEvent]:
    """Read the events of a stored batch."""
    return decode_stored(body).events


def find_all_good(body: bytes, *, now: datetime, is_gateway: bool) -> Sorted | None:
    """Check a whole body at once; None when an event of it is not good, and `sort_events` has to tell which."""
    try:
        events = _good_decoder.decode(body).events
    except msgspec.MsgspecError:
        return None
    if not events or not (is_gateway or all(_refusal(event, now) is None for event in events)):
        return None
    return Sorted(len(events), (), (), (), min(event.occurred_at for event in events))


def sort_events(raws: Sequence[msgspec.Raw], *, now: datetime, is_gateway: bool) -> Sorted:
    """Tell good events from bad ones. Calls of our own gateway are never rejected.

    A gateway call that cannot be read goes to the dead letters instead; its time is not judged, because a shipper that was
    cut off for weeks still tells the truth.
    """
    accepted: list[bytes] = []
    rejections: list[Rejection] = []
    unreadable: list[tuple[bytes, str]] = []
    oldest_at: datetime | None = None
    for index, raw in enumerate(raws):
        data = bytes(raw)
        try:
            event = decode_event(data)
        except msgspec.ValidationError as error:
            if is_gateway:
                unreadable.append((data, str(error)))
            else:
                rejections.append(Rejection(index, "invalid_event", str(error)))
            continue
        refusal = None if is_gateway else _refusal(event, now)
        if refusal is not None:
            rejections.append(Rejection(index, *refusal))
            continue
        accepted.append(data)
        oldest_at = event.occurred_at if oldest_at is None else min(oldest_at, event.occurred_at)
    return Sorted(len(accepted), tuple(accepted), tuple(rejections), tuple(unreadable), oldest_at)


def _refusal(event: IncomingEvent, now: datetime) -> tuple[str, str] | None:
    if event.source == GATEWAY_SOURCE:
        return (
            "reserved_source",
            "`source` must not be `gateway`: only the gateway's shipper uses it",
        )
    if event.occurred_at > now + ACCEPTED_FUTURE:
        return "in_future", "`occurred_at` is more than 5 minutes in the future"
    if event.occurred_at < now - ACCEPTED_PAST:
        return "too_old", "`occurred_at` is older than 35 days"
    return None


def body_hash(event: IncomingEvent) -> bytes:
    """Return 16 bytes that tell two bodies under one id apart, whatever their spelling.

    Absent fields and their defaults are the same, so that a field that is added later changes no stored hash.
    """
    return hashlib.blake2b(_encoder.encode(event), digest_size=16).digest()


def clean_text(text: str) -> str:
    """Return the text without NUL, which PostgreSQL refuses."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def clean_path(path: str) -> str:
    """Return the path as stored: bounded, and without NUL."""
    return clean_text(path)[:MAX_PATH_LENGTH]
