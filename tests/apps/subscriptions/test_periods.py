"""Periods: worked cases, and the laws that hold in every zone and across every clock change."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.clock import Period
from apps.subscriptions.periods import (
    Interval,
    IntervalUnit,
    billing_period,
    billing_period_at,
    billing_period_index,
    calendar_anchor,
    first_day,
    last_day,
    local_date,
    next_billing_day,
    next_calendar_boundary,
    period_after_zone_change,
    start_of_day,
)
from tests.vectors import vectors

zones = st.sampled_from(sorted(available_timezones()))
intervals = st.builds(Interval, st.sampled_from(IntervalUnit), st.integers(1, 4))
anchors = st.dates(date(1990, 1, 1), date(2060, 12, 31))
# Zones that once left out a whole day when they crossed the date line: a period of that day is empty.
ZONES_THAT_SKIPPED_A_DAY = frozenset(
    (
        "Kwajalein",
        "Pacific/Apia",
        "Pacific/Enderbury",
        "Pacific/Fakaofo",
        "Pacific/Kanton",
        "Pacific/Kiritimati",
        "Pacific/Kwajalein",
    )
)
instants = st.datetimes(
    datetime(1990, 1, 2),  # noqa: DTZ001 -- the strategy adds the zone
    datetime(2060, 12, 30),  # noqa: DTZ001
    timezones=st.just(UTC),
)


def instant_from(text: str, timezone: str) -> datetime:
    """Read an instant; a bare date is the first instant of that local day."""
    if text.endswith("Z"):
        return datetime.fromisoformat(text)
    return start_of_day(date.fromisoformat(text), timezone)


@vectors("billing_period")
def test_period_holds_the_instant(kind: str, vector: dict[str, Any]) -> None:
    given_, expected = vector["input"], vector["expected"]
    timezone = given_["timezone"]
    at = instant_from(given_["at"], timezone)
    interval = Interval(IntervalUnit(given_["unit"]), given_["count"])
    if given_["alignment"] == "calendar":
        anchor = calendar_anchor(local_date(at, timezone), interval.unit)
    else:
        anchor = date.fromisoformat(given_["anchor_date"])

    index = billing_period_index(anchor, interval, at=at, timezone=timezone)
    if given_["which"] == "previous":
        index -= 1
    period = billing_period(anchor, interval, index=index, timezone=timezone)

    assert first_day(period, timezone) == date.fromisoformat(expected["first_day"])
    assert last_day(period, timezone) == date.fromisoformat(expected["last_day"])
    if "start_utc" in expected:
        assert period.start == datetime.fromisoformat(expected["start_utc"])
        assert period.end == datetime.fromisoformat(expected["end_exclusive_utc"])


@vectors("next_billing_date")
def test_next_billing_day_follows_the_anchor(kind: str, vector: dict[str, Any]) -> None:
    given_ = vector["input"]
    start = datetime.fromisoformat(given_["current_period_start_local"])
    anchor = datetime.fromisoformat(given_["anchor_local"])
    end = given_["subscription_end_local"]

    day = next_billing_day(
        start.date(), anchor.date(), Interval(IntervalUnit(given_["unit"]), given_["count"])
    )
    boundary = datetime.combine(day, anchor.time())
    if end is not None:
        boundary = min(boundary, datetime.fromisoformat(end))

    assert boundary == datetime.fromisoformat(vector["expected"]["next_local"])


@vectors("calendar_boundary")
def test_calendar_boundary_comes_after_the_day(kind: str, vector: dict[str, Any]) -> None:
    day = datetime.fromisoformat(vector["input"]["at_local"]).date()
    boundary = next_calendar_boundary(day, IntervalUnit(vector["input"]["unit"]))
    assert boundary == date.fromisoformat(vector["expected"]["next_boundary"])


@vectors("first_cycle_date")
def test_first_boundary_is_on_the_start_or_after_it(kind: str, vector: dict[str, Any]) -> None:
    start, day = date.fromisoformat(vector["input"]["start"]), vector["input"]["bill_cycle_day"]
    interval = Interval(IntervalUnit.MONTH, vector["input"]["interval_months"])
    before = start_of_day(start, "UTC") - timedelta(microseconds=1)

    # The boundary that ends the period in which the moment before the start lies.
    holding = billing_period_at(start.replace(day=day), interval, at=before, timezone="UTC")

    assert local_date(holding.end, "UTC") == date.fromisoformat(vector["expected"]["date"])


@given(
    anchors,
    intervals,
    st.integers(-40, 40),
    zones.filter(lambda zone: zone not in ZONES_THAT_SKIPPED_A_DAY),
)
def test_periods_have_no_holes_and_no_overlaps(
    anchor: date, interval: Interval, index: int, timezone: str
) -> None:
    period = billing_period(anchor, interval, index=index, timezone=timezone)
    following = billing_period(anchor, interval, index=index + 1, timezone=timezone)
    assert period.end == following.start
    assert first_day(period, timezone) == interval.after(anchor, index)


@given(anchors, intervals, instants, zones)
def test_every_instant_has_exactly_one_period(
    anchor: date, interval: Interval, at: datetime, timezone: str
) -> None:
    index = billing_period_index(anchor, interval, at=at, timezone=timezone)
    period = billing_period_at(anchor, interval, at=at, timezone=timezone)
    assert at in period
    assert period == billing_period(anchor, interval, index=index, timezone=timezone)


@pytest.mark.parametrize(
    ("year", "days"),
    [(2023, [31, 28, 31, 30, 31]), (2024, [31, 29, 31, 30, 31])],
)
def test_thirty_first_comes_back_after_february(year: int, days: list[int]) -> None:
    monthly = Interval(IntervalUnit.MONTH)
    starts = [
        first_day(billing_period(date(year, 1, 31), monthly, index=k, timezone="UTC"), "UTC")
        for k in range(5)
    ]
    assert [start.day for start in starts] == days
    assert [start.month for start in starts] == [1, 2, 3, 4, 5]


def test_day_of_a_clock_change_is_one_day_of_23_or_25_hours() -> None:
    daily = Interval(IntervalUnit.DAY)
    spring = billing_period(date(2026, 3, 29), daily, index=0, timezone="Europe/Paris")
    autumn = billing_period(date(2026, 10, 25), daily, index=0, timezone="Europe/Paris")
    assert spring.duration == timedelta(hours=23)
    assert autumn.duration == timedelta(hours=25)


def test_day_without_a_midnight_begins_when_clocks_jump() -> None:
    # In Beirut, March 26 2023 began at 01:00.
    start = start_of_day(date(2023, 3, 26), "Asia/Beirut")
    assert start == datetime(2023, 3, 25, 22, tzinfo=UTC)
    assert start.astimezone(ZoneInfo("Asia/Beirut")).hour == 1


def test_zone_change_leaves_neither_hole_nor_overlap() -> None:
    monthly = Interval(IntervalUnit.MONTH)
    anchor = date(2026, 1, 1)
    in_tokyo = billing_period(anchor, monthly, index=0, timezone="Asia/Tokyo")
    moved = period_after_zone_change(
        in_tokyo, anchor, monthly, index=1, timezone="America/New_York"
    )
    following = billing_period(anchor, monthly, index=2, timezone="America/New_York")

    assert moved.start == in_tokyo.end
    assert moved.end == following.start == datetime(2026, 3, 1, 5, tzinfo=UTC)


def test_interval_needs_at_least_one_unit() -> None:
    with pytest.raises(ValueError, match="at least one month"):
        Interval(IntervalUnit.MONTH, 0)


def test_last_day_is_the_day_before_the_end() -> None:
    period = Period(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
    assert last_day(period, "UTC") == date(2026, 1, 31)
