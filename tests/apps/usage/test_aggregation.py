"""What readings add up to, against worked cases, and whatever way they are split into windows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.clock import Period
from apps.core.money import DECIMAL_CONTEXT
from apps.usage.aggregation import Kind, Reading, Total, add, aggregate, combine, merge
from tests.vectors import vectors

DAY = Period(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC))
KINDS = {"unique_count": Kind.UNIQUE, "weighted_sum": Kind.TIME_WEIGHTED}


@vectors("aggregation")
def test_worked_cases(kind: str, vector: dict[str, Any]) -> None:
    given, expected = vector["input"], vector["expected"]
    name = given["aggregation"]
    readings = [
        Reading(datetime.fromisoformat(event["timestamp"]), _value(name, event["value"]))
        for event in given["events"]
    ]
    period = Period(
        datetime.fromisoformat(given["period_from"]),
        datetime.fromisoformat(given["period_to_exclusive"]),
    )

    quantity = aggregate(
        KINDS[name] if name in KINDS else Kind(name),
        readings,
        period=period,
        carried=Decimal(given["initial_value"]),
    )

    places = given["rounding_places"]
    if places is not None:
        quantity = quantity.quantize(Decimal(1).scaleb(-places), context=DECIMAL_CONTEXT)
    assert quantity == Decimal(expected["value"])
    if "event_count" in expected:
        assert sum(reading.at in period for reading in readings) == expected["event_count"]


def _value(name: str, text: str) -> Decimal | str:
    return text if name == "unique_count" else Decimal(text)


def test_same_events_give_each_aggregation_its_value() -> None:
    values = ["4", "10", "4", "2"]
    readings = [
        Reading(DAY.start + timedelta(hours=6 * number), Decimal(value), UUID(int=number + 1))
        for number, value in enumerate(values)
    ]

    found = {kind: aggregate(kind, readings, period=DAY) for kind in Kind}

    assert found == {
        Kind.COUNT: 4,
        Kind.SUM: 20,
        Kind.MAX: 10,
        Kind.MIN: 2,
        Kind.AVG: 5,
        Kind.UNIQUE: 3,
        Kind.LATEST: 2,
        # 4 all day, 10 for 18 hours, 4 for 12, 2 for 6
        Kind.TIME_WEIGHTED: Decimal("14.0"),
    }


def test_average_of_windows_weighs_their_events() -> None:
    noon = DAY.start + timedelta(hours=12)
    morning, evening = Total(), Total()
    for value in (1, 1, 1):
        add(Kind.AVG, morning, Reading(DAY.start, Decimal(value)), window_end=noon)
    add(Kind.AVG, evening, Reading(noon, Decimal(5)), window_end=DAY.end)

    quantity = combine(Kind.AVG, [(noon, morning), (DAY.end, evening)], period=DAY)

    assert [morning.quantity, evening.quantity, quantity] == [1, 5, 2]


def test_latest_of_one_instant_is_that_of_the_greatest_id() -> None:
    readings = [Reading(DAY.start, Decimal(number), UUID(int=number)) for number in (2, 3, 1)]

    assert aggregate(Kind.LATEST, readings, period=DAY) == 3


readings_of_a_day = st.lists(
    st.builds(
        Reading,
        at=st.integers(0, 86_399_999_999).map(lambda us: DAY.start + timedelta(microseconds=us)),
        value=st.decimals(-1000, 1000, places=3),
        event_id=st.uuids(),
    ),
    max_size=12,
    unique_by=lambda reading: reading.event_id,
)


@pytest.mark.parametrize("kind", Kind)
@given(readings=readings_of_a_day, data=st.data())
def test_windows_in_any_order_give_what_all_readings_give(
    kind: Kind, readings: list[Reading], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(readings))
    windows: dict[datetime, Total] = {}
    for reading in shuffled:
        end = reading.at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        part = Total()
        add(kind, part, reading, window_end=end)
        merge(kind, windows.setdefault(end, Total()), part)
    ends = data.draw(st.permutations(sorted(windows)))

    whole = combine(kind, [(end, windows[end]) for end in ends], period=DAY)

    assert abs(whole - aggregate(kind, readings, period=DAY)) <= Decimal("1e-9")
