"""The usage event as it comes in: its shape, its rules, and its identity.

Validated by msgspec without Django, because every call of the gateway passes through here.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec

from apps.usage.constants import (
    ACCEPTED_FUTURE,
    GATEWAY_SOURCE,
    MAX_CLOCK_OFFSET_MS,
    MAX_PATH_LENGTH,
    PROVIDER_SOURCE,
)
from apps.usage.enums import RejectionCode

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
    api_id: Text = ""
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


EVENT_FIELDS: Final = frozenset(IncomingEvent.__struct_fields__)


class KnownEvent(
    IncomingEvent,
    frozen=True,
    kw_only=True,
    gc=False,
    omit_defaults=True,
    forbid_unknown_fields=True,
):
    """An event under our names alone: what has other fields is looked at one by one, so that no key in it is stored."""


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


class AllKnown(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The body of a POST as it nearly always is: every event good, under our names."""

    events: list[KnownEvent]
    shipper: ShipperReport | None = None


@dataclass(frozen=True, slots=True)
class IntakeRules:
    """Who sends a batch, when, and how old its events may be."""

    now: datetime
    is_gateway: bool
    accepted_past: timedelta

    @property
    def default_source(self) -> str:
        """Where events come from that do not say."""
        return GATEWAY_SOURCE if self.is_gateway else PROVIDER_SOURCE


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why one event of a batch was not taken, and what is kept of it: no keys, and bounded."""

    index: int
    code: str
    reason: str
    field: str = ""
    event_id: str = ""
    payload: str = ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A call of our own gateway that cannot be read."""

    index: int
    payload: str
    reason: str


@dataclass(frozen=True, slots=True)
class Sorted:
    """A batch after validation: how many events are good, the others, and gateway calls that cannot be read.

    `accepted` holds the bytes of the good events, or nothing when all of the body's events are good as they came.
    """

    count: int
    accepted: tuple[bytes, ...]
    rejections: tuple[Rejection, ...]
    unreadable: tuple[Unreadable, ...]
    oldest_at: datetime | None

    @property
    def is_whole(self) -> bool:
        """Whether every event of the body was good."""
        return self.count > 0 and not self.accepted


_envelope_decoder: Final = msgspec.json.Decoder(Envelope)
_event_decoder: Final = msgspec.json.Decoder(IncomingEvent)
_known_decoder: Final = msgspec.json.Decoder(AllKnown | list[KnownEvent])
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


def find_all_good(body: bytes, *, rules: IntakeRules) -> Sorted | None:
    """Check a whole body at once; None when an event of it is not good, and `sort_events` has to tell which.

    The body is an envelope, or a list of events.
    """
    try:
        found = _known_decoder.decode(body)
    except msgspec.MsgspecError:
        return None
    events = found.events if isinstance(found, AllKnown) else found
    if not events:
        return None
    if not (rules.is_gateway or all(refusal_of(event, rules) is None for event in events)):
        return None
    return Sorted(len(events), (), (), (), min(event.occurred_at for event in events))


def refusal_of(event: IncomingEvent, rules: IntakeRules) -> tuple[RejectionCode, str, str] | None:
    """Return why an event that can be read is refused all the same: code, reason and field."""
    if event.source == GATEWAY_SOURCE:
        reason = "`source` must not be `gateway`: only the gateway's shipper uses it"
        return RejectionCode.RESERVED_SOURCE, reason, "source"
    if event.occurred_at > rules.now + ACCEPTED_FUTURE:
        reason = "The time is more than 5 minutes in the future"
        return RejectionCode.IN_FUTURE, reason, "occurred_at"
    if event.occurred_at < rules.now - rules.accepted_past:
        reason = f"The time is more than {rules.accepted_past.days} days ago"
        return RejectionCode.TOO_OLD, reason, "occurred_at"
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
