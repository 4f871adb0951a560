"""What a provider writes down before it becomes a meter, and what is wrong with it.

Plain data, so that the REST API and the page hand the same thing to the same services.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import gettext as _

from apps.core.exceptions import InvalidInput
from apps.pricing.drafts import BASE_FEE_METER, METER_FORMAT
from apps.pricing.models import CALLS_METER
from apps.usage.constants import DEFAULT_WATERMARK_DELAY_S, MAX_WATERMARK_DELAY_S
from apps.usage.enums import Aggregation, MeterSource, UnitConversion, UnitRounding, WindowSize
from apps.usage.meter_filters import (
    ENDPOINT,
    LISTS,
    NUMERIC,
    OPERATORS,
    WITHOUT_VALUE,
    Operator,
    as_number,
)
from apps.usage.models import Meter

MAX_FILTERS: Final = 10
MAX_DIMENSIONS: Final = 3
MAX_LISTED: Final = 50
# So many windows at most are kept of one meter, subscription and stretch of time.
MAX_COMBINATIONS: Final = 1_000
MAX_TEXT: Final = 40
MAX_FACTOR: Final = Decimal(10) ** 12
ROUNDING_PLACES: Final = range(-6, 13)
NAME_FORMAT: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,39}")
# They are kept as JSON in a window's key.
VALUE_FORMAT: Final = re.compile(r'[^"\\\x00-\x1f]{1,40}')
ENDPOINT_OPERATORS: Final = frozenset(
    {Operator.EQUALS, Operator.DIFFERS, Operator.IN, Operator.NOT_IN}
)
# A method, a space and a path template.
MAX_ENDPOINT_TEXT: Final = 310
NAMED_SOURCES: Final = frozenset({MeterSource.PROPERTY, MeterSource.RESPONSE_HEADER})


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterDraft:
    """A meter's fields; see `models.Meter`."""

    name: str
    key: str = ""
    unit: str = ""
    source: str = MeterSource.PROPERTY
    property_name: str = ""
    aggregation: str = Aggregation.SUM
    filters: Sequence[Mapping[str, Any]] = ()
    group_by: Sequence[Mapping[str, Any]] = ()
    conversion: str = UnitConversion.NONE
    conversion_factor: Decimal = Decimal(1)
    rounding: str = UnitRounding.NONE
    rounding_places: int = 0
    window_s: int = WindowSize.HOUR
    watermark_delay_s: int = DEFAULT_WATERMARK_DELAY_S


# What decides which quantity comes out. It stays once something was counted or priced by it.
FIXED_FIELDS: Final = (
    "source",
    "property_name",
    "aggregation",
    "filters",
    "group_by",
    "conversion",
    "conversion_factor",
    "rounding",
    "rounding_places",
    "window_s",
)
FREE_FIELDS: Final = ("name", "unit", "watermark_delay_s")


def draft_of(meter: Meter) -> MeterDraft:
    """Return a meter's fields as they were written down."""
    return MeterDraft(
        key=meter.key, **{name: getattr(meter, name) for name in (*FIXED_FIELDS, *FREE_FIELDS)}
    )


def require_valid(draft: MeterDraft) -> None:
    """Refuse what cannot be counted.

    Raises:
        InvalidInput: names the first field that is wrong.
    """
    for check in _CHECKS:
        for field, detail in check(draft):
            raise InvalidInput(detail, field=field)


def _defects_of_names(draft: MeterDraft) -> Iterator[tuple[str, str]]:
    if not METER_FORMAT.fullmatch(draft.key):
        yield "key", _("A key begins with a letter and has small letters, digits and underscores.")
    elif draft.key in {CALLS_METER, BASE_FEE_METER}:
        yield "key", _("This key is taken: every API has it.")
    if not draft.name.strip():
        yield "name", _("Give the meter a name.")
    if draft.source in NAMED_SOURCES:
        if not NAME_FORMAT.fullmatch(draft.property_name):
            yield (
                "property_name",
                _("Name the value: a letter, then letters, digits, dots, hyphens or underscores."),
            )
    elif draft.property_name:
        yield "property_name", _("Only properties and response headers have a name.")


def _defects_of_choices(draft: MeterDraft) -> Iterator[tuple[str, str]]:
    wrong = _("Choose one of the values that the documentation lists.")
    for name, choices in (
        ("source", MeterSource.values),
        ("aggregation", Aggregation.values),
        ("conversion", UnitConversion.values),
        ("rounding", UnitRounding.values),
        ("window_s", WindowSize.values),
    ):
        if getattr(draft, name) not in choices:
            yield name, wrong
    if draft.source == MeterSource.CALLS and draft.aggregation != Aggregation.COUNT:
        yield "aggregation", _("Calls can only be counted.")


def _defects_of_numbers(draft: MeterDraft) -> Iterator[tuple[str, str]]:
    if not 0 <= draft.watermark_delay_s <= MAX_WATERMARK_DELAY_S:
        yield "watermark_delay_s", _("Choose a delay of at most 7 days.")
    if not draft.conversion_factor.is_finite() or not 0 < draft.conversion_factor <= MAX_FACTOR:
        yield "conversion_factor", _("Choose a number above 0.")
    elif draft.conversion_factor != round(draft.conversion_factor, 12):
        yield "conversion_factor", _("At most 12 decimals are kept.")
    if draft.rounding_places not in ROUNDING_PLACES:
        yield "rounding_places", _("Choose a number from -6 to 12.")


def _defects_of_filters(draft: MeterDraft) -> Iterator[tuple[str, str]]:
    if len(draft.filters) > MAX_FILTERS:
        yield "filters", _("A meter has at most %(limit)s filters.") % {"limit": MAX_FILTERS}
    for item in draft.filters:
        name, operator = item.get("property"), item.get("operator")
        if not isinstance(name, str) or not NAME_FORMAT.fullmatch(name):
            yield "filters", _("A filter names a property or a field of the call.")
        elif operator not in OPERATORS:
            yield (
                "filters",
                _("“%(operator)s” is no comparison.") % {"operator": str(operator)[:MAX_TEXT]},
            )
        elif name == ENDPOINT and operator not in ENDPOINT_OPERATORS:
            yield "filters", _("Endpoints are compared by eq, ne, in or not_in.")
        elif not _is_comparable(Operator(str(operator)), item.get("value")):
            yield (
                "filters",
                _("The value of the filter on “%(name)s” does not fit.") % {"name": name},
            )


def _is_comparable(operator: Operator, value: Any) -> bool:
    if operator in WITHOUT_VALUE:
        return value is None
    if operator in LISTS:
        return (
            isinstance(value, list) and 0 < len(value) <= MAX_LISTED and all(map(_is_text, value))
        )
    if operator in NUMERIC:
        return as_number(value) is not None
    return _is_text(value)


def _is_text(value: Any) -> bool:
    if isinstance(value, bool | int | float):
        return True
    return isinstance(value, str) and 0 < len(value) <= MAX_ENDPOINT_TEXT and "\0" not in value


def _defects_of_dimensions(draft: MeterDraft) -> Iterator[tuple[str, str]]:
    if len(draft.group_by) > MAX_DIMENSIONS:
        yield "group_by", _("A meter has at most %(limit)s dimensions.") % {"limit": MAX_DIMENSIONS}
        return
    names = [item.get("property") for item in draft.group_by]
    if not all(isinstance(name, str) and NAME_FORMAT.fullmatch(name) for name in names):
        yield "group_by", _("A dimension names a property or a field of the call.")
        return
    if len(set(names)) < len(names):
        yield "group_by", _("A dimension stands once.")
    for item in draft.group_by:
        values = item.get("values")
        if not isinstance(values, list) or not 0 < len(values) <= MAX_LISTED:
            yield (
                "group_by",
                _("List 1 to %(limit)s values of “%(name)s”; others count together.")
                % {"limit": MAX_LISTED, "name": item["property"]},
            )
            return
        if not all(isinstance(value, str) and VALUE_FORMAT.fullmatch(value) for value in values):
            yield "group_by", _("A listed value has at most 40 characters, and no quotes.")
    if math.prod(len(item["values"]) + 1 for item in draft.group_by) > MAX_COMBINATIONS:
        yield (
            "group_by",
            _("At most %(limit)s combinations are counted apart.") % {"limit": MAX_COMBINATIONS},
        )


_CHECKS: Final[Sequence[Callable[[MeterDraft], Iterator[tuple[str, str]]]]] = (
    _defects_of_names,
    _defects_of_choices,
    _defects_of_numbers,
    _defects_of_filters,
    _defects_of_dimensions,
)
