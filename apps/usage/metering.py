"""What meters beside `calls` take from an event: one gain for each meter that counts it, or the reason why not.

Meters are read once per batch, and an API without any costs nothing more. What a meter takes from an event depends on the
meter and the event alone, never on what came before, so that computing windows again gives the same.

Source: docs/domain/meters.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from uuid import UUID

import msgspec

from apps.usage.aggregation import TAKES_ANY_VALUE, Kind, Reading
from apps.usage.constants import GATEWAY_SOURCE
from apps.usage.endpoint_table import EndpointTable
from apps.usage.enums import MeterErrorCode, MeterSource, WindowSize
from apps.usage.event_schema import IncomingEvent, clean_text
from apps.usage.instants import MINUTE_US, SECOND_US, from_us, to_us
from apps.usage.meter_filters import (
    Check,
    Reader,
    as_text,
    compile_filters,
    group_value,
    reader_of,
)
from apps.usage.models import Meter
from apps.usage.placement import Place, Placed, day_of_minute

LARGEST_VALUE: Final = Decimal(10) ** 12
MAX_SAMPLE: Final = 200
_HOUR_US: Final = WindowSize.HOUR * SECOND_US
_MICRO_PLACES: Final = Decimal("1e-12")


@dataclass(frozen=True, slots=True, eq=False)
class CompiledMeter:
    """A meter as events are held against it."""

    id: UUID
    key: str
    kind: Kind
    source: str
    field: str
    checks: tuple[Check, ...]
    group_by: tuple[tuple[str, Reader, frozenset[str]], ...]
    window_s: int
    delay_us: int
    counts_from_us: int
    counts_until_us: int | None

    def counts_at(self, decided_us: int) -> bool:
        """Whether the meter existed then."""
        return self.counts_from_us <= decided_us and (
            self.counts_until_us is None or decided_us < self.counts_until_us
        )


class Gain(msgspec.Struct, frozen=True, eq=False, gc=False):
    """What one meter takes from one event. Times are microseconds (see `instants`)."""

    meter: CompiledMeter
    place: Place
    reading: Reading
    window_us: int
    window_end_us: int
    dimensions: str


class Miss(msgspec.Struct, frozen=True, eq=False, gc=False):
    """An event that a meter should have counted and could not."""

    meter: CompiledMeter
    code: MeterErrorCode
    event_id: UUID
    at_us: int
    sample: str


@dataclass(frozen=True, slots=True)
class Metered:
    """What the meters of an API took from events, and what they could not take."""

    gains: Sequence[Gain]
    misses: Sequence[Miss]


NOTHING: Final = Metered((), ())


class _NoValueError(Exception):
    """An event holds no value for a meter; says why, with what was there instead."""

    def __init__(self, code: MeterErrorCode, found: object) -> None:
        super().__init__(code)
        self.code = code
        self.found = found


def load_meters(api_ids: Collection[UUID]) -> dict[UUID, list[CompiledMeter]]:
    """Return the meters of APIs, also archived ones: they count what happened before. One query."""
    found: dict[UUID, list[CompiledMeter]] = {}
    for row in Meter.objects.filter(api_id__in=api_ids).order_by("key"):
        found.setdefault(row.api_id, []).append(compile_meter(row))
    return found


def compile_meter(row: Meter) -> CompiledMeter:
    """Prepare a meter for many events."""
    is_header = row.source == MeterSource.RESPONSE_HEADER
    endpoints = EndpointTable(map(tuple, row.endpoints)) if row.endpoints else None
    return CompiledMeter(
        id=row.pk,
        key=row.key,
        kind=Kind(row.aggregation),
        source=row.source,
        field=row.property_name.lower() if is_header else row.property_name,
        checks=compile_filters(row.filters, endpoints),
        group_by=tuple(
            (
                item["property"],
                reader_of(item["property"], endpoints),
                frozenset(map(str, item["values"])),
            )
            for item in row.group_by
        ),
        window_s=row.window_s,
        delay_us=row.watermark_delay_s * SECOND_US,
        counts_from_us=to_us(row.created_at),
        counts_until_us=None if row.archived_at is None else to_us(row.archived_at),
    )


def meter_events(
    placed: Iterable[Placed], meters: Mapping[UUID, Sequence[CompiledMeter]]
) -> Metered:
    """Hold events against the meters of their APIs. Only what is billed counts."""
    if not meters:
        return NOTHING
    gains: list[Gain] = []
    misses: list[Miss] = []
    for item in placed:
        candidates = meters.get(item.place.api_id)
        if candidates and item.is_billable:
            _meter_event(item, candidates, gains, misses)
    return Metered(gains, misses)


def _meter_event(
    item: Placed, meters: Sequence[CompiledMeter], gains: list[Gain], misses: list[Miss]
) -> None:
    """A missing value is a mistake only where the event was meant for the meter.

    A call through our gateway was meant for each meter of a response header that it meets the filters of. What a provider
    sends may be meant for one of several meters; if none of them finds its value, all of them say so.
    """
    taken = len(gains)
    missing: list[Miss] = []
    for meter in meters:
        if not _concerns(meter, item):
            continue
        if not meter.counts_at(item.decided_us):
            if not item.is_call and item.decided_us < meter.counts_from_us:
                misses.append(_miss(meter, item, MeterErrorCode.BEFORE_METER, ""))
            continue
        try:
            gains.append(_gain(meter, item))
        except _NoValueError as error:
            wrong = _miss(meter, item, error.code, error.found)
            (missing if error.code is MeterErrorCode.MISSING else misses).append(wrong)
    is_ours = item.event.source == GATEWAY_SOURCE
    wanted = MeterSource.RESPONSE_HEADER if is_ours else MeterSource.PROPERTY
    if is_ours or len(gains) == taken:
        misses += [miss for miss in missing if miss.meter.source == wanted]


def _concerns(meter: CompiledMeter, item: Placed) -> bool:
    is_about_calls = meter.source not in {MeterSource.PROPERTY, MeterSource.RESPONSE_HEADER}
    if is_about_calls and not item.is_call:
        return False
    return all(check(item.event) for check in meter.checks)


def _gain(meter: CompiledMeter, item: Placed) -> Gain:
    reading = Reading(from_us(item.occurred_us), _value(meter, item.event), item.event.id)
    start_us, end_us = _window_of(meter, item)
    return Gain(meter, item.place, reading, start_us, end_us, _dimensions(meter, item.event))


def _window_of(meter: CompiledMeter, item: Placed) -> tuple[int, int]:
    if meter.window_s == WindowSize.HOUR:
        return item.window_us, item.window_us + _HOUR_US
    if meter.window_s == WindowSize.DAY:
        return day_of_minute(item.occurred_us // MINUTE_US, item.place.timezone)
    start_us = item.occurred_us - item.occurred_us % MINUTE_US
    return start_us, start_us + MINUTE_US


_BUILT_IN: Final[Mapping[str, Callable[[IncomingEvent], float | None]]] = {
    MeterSource.CALLS: lambda _event: 1,
    MeterSource.REQUEST_BYTES: lambda event: event.request_bytes or 0,
    MeterSource.RESPONSE_BYTES: lambda event: event.response_bytes or 0,
    # As it is stored, so that computing windows again from stored events gives the same.
    MeterSource.LATENCY: lambda event: round(event.latency_ms or 0),
}


def _value(meter: CompiledMeter, event: IncomingEvent) -> Decimal | str:
    read = _BUILT_IN.get(meter.source)
    raw: Any = event.properties.get(meter.field) if read is None else read(event)
    if raw is None or raw == "":
        raise _NoValueError(MeterErrorCode.MISSING, "")
    if isinstance(raw, dict | list):
        raise _NoValueError(MeterErrorCode.NOT_A_VALUE, raw)
    if meter.kind in TAKES_ANY_VALUE:
        return as_text(raw)
    return _number(raw)


def _number(raw: object) -> Decimal:
    if isinstance(raw, bool):
        raise _NoValueError(MeterErrorCode.NOT_A_NUMBER, raw)
    try:
        value = Decimal(str(raw).strip())
    except InvalidOperation:
        raise _NoValueError(MeterErrorCode.NOT_A_NUMBER, raw) from None
    if not value.is_finite():
        raise _NoValueError(MeterErrorCode.NOT_A_NUMBER, raw)
    if abs(value) > LARGEST_VALUE:
        raise _NoValueError(MeterErrorCode.OUT_OF_RANGE, raw)
    return value.quantize(_MICRO_PLACES)


def _dimensions(meter: CompiledMeter, event: IncomingEvent) -> str:
    """Return the event's dimensions as canonical JSON; a value that the meter does not list is `other`."""
    if not meter.group_by:
        return ""
    found = {name: group_value(event, read, values) for name, read, values in meter.group_by}
    return json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _miss(meter: CompiledMeter, item: Placed, code: MeterErrorCode, found: object) -> Miss:
    sample = found if isinstance(found, str) else json.dumps(found)
    return Miss(meter, code, item.event.id, item.decided_us, clean_text(sample)[:MAX_SAMPLE])
