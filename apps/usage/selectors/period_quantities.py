"""What windows add up to in a period, meter by meter: each as its aggregation wants it, in the units that are priced.

Conversion and rounding act on the whole period's quantity, once. A meter with dimensions that counts or adds up has, beside
its whole, an entry for each combination of values, by the key `tokens{"region":"eu"}`; a meter's rounding acts on each of
them by itself. Of a meter that adds up, `#tokens` is the number of its events, for prices per event. Source: docs/domain/meters.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import connection

from apps.core.clock import Period
from apps.pricing.calculator import Dimensions, UsagePart
from apps.pricing.models import CALLS_METER
from apps.subscriptions.usage_sources import UsageQuestion
from apps.usage.aggregation import GROWS_WITH_TIME, PLACES, ZERO, Kind, weighted_level
from apps.usage.models import Meter

# One row per question and meter. The latest value is found by its instant and event; the different values of `unique`
# are counted over all windows and dimensions; the changes of a level before the period are what it starts from.
_COMBINE: Final = """
    WITH asked AS (SELECT * FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[])
        WITH ORDINALITY AS a (subscription_id, period_start, period_end, position))
    SELECT asked.position, w.api_id, w.meter, w.aggregation, SUM(w.quantity), SUM(w.value_sum), SUM(w.event_count),
        MAX(w.quantity), MIN(w.quantity),
        (array_agg(w.quantity ORDER BY w.value_at DESC, w.value_event_id DESC)
            FILTER (WHERE w.aggregation = 'latest'))[1],
        SUM(w.quantity + w.value_sum * EXTRACT(epoch FROM asked.period_end - w.window_end))
            FILTER (WHERE w.aggregation = 'time_weighted')
    FROM asked JOIN usage_usagewindow w ON w.subscription_id = asked.subscription_id
        AND w.window_start >= asked.period_start AND w.window_start < asked.period_end
    WHERE w.event_count > 0
    GROUP BY asked.position, w.api_id, w.meter, w.aggregation
    UNION ALL
    SELECT asked.position, w.api_id, w.meter || w.dimensions, w.aggregation, SUM(w.quantity), 0, SUM(w.event_count), 0, 0, 0, 0
    FROM asked JOIN usage_usagewindow w ON w.subscription_id = asked.subscription_id
        AND w.window_start >= asked.period_start AND w.window_start < asked.period_end
    WHERE w.event_count > 0 AND w.dimensions <> '' AND w.aggregation IN ('count', 'sum')
    GROUP BY asked.position, w.api_id, w.meter, w.dimensions, w.aggregation
    UNION ALL
    SELECT asked.position, NULL, v.meter, 'values', COUNT(DISTINCT v.value_hash), 0, 0, 0, 0, 0, 0
    FROM asked JOIN usage_usagewindowvalue v ON v.subscription_id = asked.subscription_id
        AND v.window_start >= asked.period_start AND v.window_start < asked.period_end
    GROUP BY asked.position, v.meter
    UNION ALL
    SELECT asked.position, w.api_id, w.meter, 'carried', SUM(w.value_sum), 0, 0, 0, 0, 0, 0
    FROM asked JOIN usage_usagewindow w ON w.subscription_id = asked.subscription_id
        AND w.window_start < asked.period_start AND w.aggregation = 'time_weighted'
    GROUP BY asked.position, w.api_id, w.meter
"""


# Before the key of a quantity: the number of the events that it is the sum of.
EVENTS_OF: Final = "#"


@dataclass(slots=True)
class _Parts:
    """What the database gives of one meter in one period."""

    api_id: UUID | None = None
    row: tuple[Any, ...] | None = None
    values: Decimal = ZERO
    carried: Decimal = ZERO
    has_level: bool = False


def quantities_in(subscription_id: UUID, period: Period) -> dict[str, Decimal]:
    """Return the priced units of each meter in a period of business time."""
    question = UsageQuestion(subscription_id, period)
    return quantities_for([question])[question]


def quantities_for(questions: Sequence[UsageQuestion]) -> dict[UsageQuestion, dict[str, Decimal]]:
    """Return the priced units of each meter for many subscriptions and periods.

    One query; a second one where there are meters beside `calls`.
    """
    found: dict[UsageQuestion, dict[str, _Parts]] = {question: {} for question in questions}
    with connection.cursor() as cursor:
        cursor.execute(
            _COMBINE,
            [
                [question.subscription_id for question in questions],
                [question.period.start for question in questions],
                [question.period.end for question in questions],
            ],
        )
        for position, api_id, meter, kind, *numbers in cursor.fetchall():
            parts = found[questions[position - 1]].setdefault(meter, _Parts())
            parts.api_id = api_id or parts.api_id
            if kind == "values":
                parts.values = Decimal(numbers[0])
            elif kind == "carried":
                parts.carried, parts.has_level = numbers[0], True
            else:
                parts.row = (kind, *numbers)
    meters = _meters_of(found)
    return {
        question: {
            **{
                meter: _units(parts, question.period, meters.get((parts.api_id, meter_of(meter))))
                for meter, parts in by_meter.items()
            },
            **{
                f"{EVENTS_OF}{meter}": Decimal(parts.row[3])
                for meter, parts in by_meter.items()
                if parts.row is not None and parts.row[0] == Kind.SUM
            },
        }
        for question, by_meter in found.items()
    }


def meter_of(key: str) -> str:
    """Return the meter of a quantity's key, which may name dimensions too, or its events."""
    return key.partition("{")[0].removeprefix(EVENTS_OF)


def events_of(quantities: Mapping[str, Decimal], key: str) -> int | None:
    """Return how many events a quantity is the sum of; None where it is no sum."""
    count = quantities.get(f"{EVENTS_OF}{key}")
    return None if count is None else int(count)


def parts_of(quantities: Mapping[str, Decimal], meter: str) -> tuple[UsagePart, ...]:
    """Return a meter's quantities by dimension; nothing for a meter without dimensions."""
    return tuple(
        UsagePart(dimensions_of(key.removeprefix(meter)), quantity, events_of(quantities, key))
        for key, quantity in quantities.items()
        if key.startswith(f"{meter}{{")
    )


def dimensions_of(text: str) -> Dimensions:
    """Read a window's dimensions: canonical JSON, or empty."""
    return tuple(sorted(json.loads(text).items())) if text else ()


def projectable_meters(api_ids: Sequence[UUID]) -> set[tuple[UUID, str]]:
    """Return the meters, beside `calls`, whose quantity grows with time, so that a pace makes sense of them."""
    rows = Meter.objects.filter(api_id__in=api_ids, aggregation__in=GROWS_WITH_TIME)
    return set(rows.values_list("api_id", "key"))


def _meters_of(
    found: Mapping[UsageQuestion, Mapping[str, _Parts]],
) -> dict[tuple[UUID | None, str], Meter]:
    apis = {
        parts.api_id
        for by_meter in found.values()
        for meter, parts in by_meter.items()
        if meter != CALLS_METER and parts.api_id is not None
    }
    if not apis:
        return {}
    return {(row.api_id, row.key): row for row in Meter.objects.filter(api_id__in=apis)}


def _units(parts: _Parts, period: Period, meter: Meter | None) -> Decimal:
    quantity = _quantity(parts, period)
    return quantity if meter is None else meter.priced_units(quantity)


def _quantity(parts: _Parts, period: Period) -> Decimal:
    if parts.has_level and parts.row is None:
        return weighted_level(carried=parts.carried, unit_seconds=ZERO, period=period)
    if parts.row is None:
        return parts.values
    kind, added, value_sum, events, most, least, latest, unit_seconds = parts.row
    if kind == Kind.TIME_WEIGHTED:
        return weighted_level(carried=parts.carried, unit_seconds=unit_seconds, period=period)
    if kind == Kind.AVG:
        average: Decimal = (value_sum / events).quantize(PLACES)
        return average
    whole: Mapping[str, Decimal] = {
        Kind.MAX: most,
        Kind.MIN: least,
        Kind.LATEST: latest,
        Kind.UNIQUE: parts.values,
    }
    return whole.get(kind, added)
