"""Filters and dimensions of meters: what an event is asked, and how it answers.

A name is one of an event's own fields (`method`, `path`, `status`, `source`), its `endpoint`, or a property. Names of headers
are in lower case, as in the properties of a call. The endpoint is found among those that the meter remembers, so that later
documents of the API change nothing in what it counts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Final, TypeAlias

from apps.usage.endpoint_table import EndpointTable
from apps.usage.event_schema import IncomingEvent, clean_path

Check: TypeAlias = Callable[[IncomingEvent], bool]
Reader: TypeAlias = Callable[[IncomingEvent], object]

OTHER: Final = "other"
OWN_FIELDS: Final = ("method", "path", "status", "source")
# Method and path template, such as `GET /cities/{id}`.
ENDPOINT: Final = "endpoint"


class Operator(StrEnum):
    """How a filter compares."""

    EQUALS = "eq"
    DIFFERS = "ne"
    IN = "in"
    NOT_IN = "not_in"
    STARTS_WITH = "starts_with"
    EXISTS = "exists"
    MISSING = "missing"
    ABOVE = "gt"
    AT_LEAST = "gte"
    BELOW = "lt"
    AT_MOST = "lte"


OPERATORS: Final = frozenset(map(str, Operator))
LISTS: Final = frozenset({Operator.IN, Operator.NOT_IN})
WITHOUT_VALUE: Final = frozenset({Operator.EXISTS, Operator.MISSING})
NUMERIC: Final = frozenset({Operator.ABOVE, Operator.AT_LEAST, Operator.BELOW, Operator.AT_MOST})
_COMPARE: Final[Mapping[Operator, Callable[[Decimal, Decimal], bool]]] = {
    Operator.ABOVE: lambda found, wanted: found > wanted,
    Operator.AT_LEAST: lambda found, wanted: found >= wanted,
    Operator.BELOW: lambda found, wanted: found < wanted,
    Operator.AT_MOST: lambda found, wanted: found <= wanted,
}


def value_of(event: IncomingEvent, name: str) -> object:
    """Return an event's own field or property of that name, as it is stored; None when it has none."""
    if name == "path":
        return clean_path(event.path)
    if name in OWN_FIELDS:
        return getattr(event, name)
    return event.properties.get(name)


def reader_of(name: str, endpoints: EndpointTable | None) -> Reader:
    """Return what reads a value of that name from events; without endpoints `endpoint` is a property as any other."""
    if name == ENDPOINT and endpoints is not None:
        return lambda event: endpoints.find(event.method, clean_path(event.path))
    return lambda event: value_of(event, name)


def group_value(event: IncomingEvent, read: Reader, listed: Collection[str]) -> str:
    """Return which of a dimension's listed values an event has, or `other`."""
    text = as_text(read(event))
    return text if text in listed else OTHER


def compile_filters(
    filters: Iterable[Mapping[str, Any]], endpoints: EndpointTable | None = None
) -> tuple[Check, ...]:
    """Prepare filters, all of which must hold, for many events."""
    return tuple(
        _check(
            reader_of(item["property"], endpoints), Operator(item["operator"]), item.get("value")
        )
        for item in filters
    )


def as_number(value: object) -> Decimal | None:
    """Return a value as a number, or None when it is none."""
    if value is None or isinstance(value, bool | dict | list):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _check(read: Reader, operator: Operator, value: Any) -> Check:
    if operator in NUMERIC:
        compare, bound = _COMPARE[operator], Decimal(str(value))
        return lambda event: (found := as_number(read(event))) is not None and compare(found, bound)
    if operator in WITHOUT_VALUE:
        wants = operator is Operator.EXISTS
        return lambda event: (as_text(read(event)) != "") is wants
    if operator is Operator.STARTS_WITH:
        return lambda event: as_text(read(event)).startswith(str(value))
    listed = frozenset(map(as_text, value if operator in LISTS else [value]))
    wants = operator in {Operator.EQUALS, Operator.IN}
    return lambda event: (as_text(read(event)) in listed) is wants


def as_text(value: object) -> str:
    """Return a value as it is compared. Numbers and their texts are the same: a header says `1`, a property may say 1 or 1.0."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
