"""Counting in business hours: by example, and against a count minute by minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from apps.approvals.business_hours import (
    BusinessHours,
    CalendarError,
    NoBusinessTimeError,
    add_business_time,
    business_time_between,
    parse_calendar,
)

NINE_TO_FIVE = ((9 * 60, 17 * 60),)
WEEK = (NINE_TO_FIVE,) * 5 + ((), ())
MINUTE = timedelta(minutes=1)
# Their clocks change at 1:00 UTC, at 2:00 local time, at midnight, by half an hour, and never.
ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "America/Havana",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
]


def hours_in(zone: str, *holidays: date) -> BusinessHours:
    return BusinessHours(ZoneInfo(zone), WEEK, frozenset(holidays))


def at(zone: str, text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("start", "count", "end"),
    [
        ("2026-11-16T09:00", 8, "2026-11-16T17:00"),  # a Monday, whole
        ("2026-11-16T16:00", 2, "2026-11-17T10:00"),  # overnight
        ("2026-11-20T16:30", 1, "2026-11-23T09:30"),  # over a weekend
        ("2026-11-21T12:00", 1, "2026-11-23T10:00"),  # made on a Saturday
        ("2026-11-16T03:00", 72, "2026-11-26T17:00"),  # nine days of eight hours
        ("2026-12-24T16:00", 2, "2026-12-28T10:00"),  # over a holiday and a weekend
    ],
)
def test_hours_are_counted_while_the_office_is_open(start: str, count: int, end: str) -> None:
    hours = hours_in("Europe/Berlin", date(2026, 12, 25))

    found = add_business_time(hours, at("Europe/Berlin", start), timedelta(hours=count))

    assert found == at("Europe/Berlin", end)


def test_summer_time_keeps_opening_hours_local() -> None:
    hours = hours_in("Europe/Berlin")
    friday = at("Europe/Berlin", "2026-03-27T16:00")

    found = add_business_time(hours, friday, timedelta(hours=2))

    assert found.astimezone(UTC) == datetime(2026, 3, 30, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "elapsed"),
    [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 7), 24)],
)
def test_a_day_around_the_clock_has_the_hours_that_pass(day: date, elapsed: int) -> None:
    whole = (((0, 24 * 60),),) * 7
    hours = BusinessHours(ZoneInfo("Europe/Berlin"), whole)
    start = datetime(day.year, day.month, day.day, tzinfo=hours.zone)
    end = datetime(day.year, day.month, day.day, tzinfo=hours.zone) + timedelta(days=1)

    assert business_time_between(hours, start, end) == timedelta(hours=elapsed)


def test_skipped_hour_is_not_counted_and_repeated_hour_twice() -> None:
    nights = (((60, 180),),) * 7  # one to three o'clock
    hours = BusinessHours(ZoneInfo("Europe/Berlin"), nights)

    def counted(day: datetime) -> timedelta:
        return business_time_between(hours, day, day + timedelta(days=1))

    assert counted(datetime(2026, 3, 28, 12, tzinfo=UTC)) == timedelta(hours=1)
    assert counted(datetime(2026, 10, 24, 12, tzinfo=UTC)) == timedelta(hours=3)


day_ranges = st.lists(st.integers(0, 96), min_size=0, max_size=4, unique=True).map(
    lambda marks: tuple(
        (opens * 15, closes * 15)
        for opens, closes in zip(sorted(marks)[::2], sorted(marks)[1::2], strict=False)
    )
)
calendars = st.builds(
    lambda zone, days, holidays: BusinessHours(ZoneInfo(zone), tuple(days), frozenset(holidays)),
    st.sampled_from(ZONES),
    st.lists(day_ranges, min_size=7, max_size=7).filter(any),
    st.lists(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=5),
)
# Around the changes of clocks in 2026, to the minute.
instants = st.builds(
    lambda day, minute: day + timedelta(minutes=minute),
    st.sampled_from([datetime(2026, month, 1, tzinfo=UTC) for month in (3, 4, 6, 10, 11)]),
    st.integers(0, 40 * 24 * 60),
)


def minutes_open(hours: BusinessHours, start: datetime, end: datetime) -> int:
    """Count by looking at every minute: what the definition says, slowly."""
    count, instant = 0, start
    while instant < end:
        local = instant.astimezone(hours.zone)
        minute = local.hour * 60 + local.minute
        count += any(
            opens <= minute < closes for opens, closes in hours.opening_minutes(local.date())
        )
        instant += MINUTE
    return count


@settings(max_examples=60, deadline=None)
@given(hours=calendars, start=instants, length=st.integers(0, 3 * 24 * 60))
@example(
    hours=BusinessHours(ZoneInfo("America/Havana"), (((0, 1440),),) * 7),
    start=datetime(2026, 11, 1, 2, tzinfo=UTC),
    length=600,
)
def test_time_between_is_the_number_of_open_minutes(
    hours: BusinessHours, start: datetime, length: int
) -> None:
    end = start + MINUTE * length

    assert business_time_between(hours, start, end) == MINUTE * minutes_open(hours, start, end)


@settings(max_examples=150, deadline=None)
@given(hours=calendars, start=instants, count=st.integers(1, 6000))
def test_added_time_lies_between_start_and_end(
    hours: BusinessHours, start: datetime, count: int
) -> None:
    duration = timedelta(seconds=count * 7)

    end = add_business_time(hours, start, duration)

    assert business_time_between(hours, start, end) == duration
    assert business_time_between(hours, start, end - timedelta(microseconds=1)) < duration


@settings(max_examples=150, deadline=None)
@given(hours=calendars, start=instants, first=st.integers(1, 4000), second=st.integers(0, 4000))
def test_adding_twice_is_adding_the_sum(
    hours: BusinessHours, start: datetime, first: int, second: int
) -> None:
    step = add_business_time(hours, start, MINUTE * first)

    assert add_business_time(hours, step, MINUTE * second) == add_business_time(
        hours, start, MINUTE * (first + second)
    )


def test_nothing_added_is_the_start_and_less_is_refused() -> None:
    hours, sunday = hours_in("Europe/Berlin"), at("Europe/Berlin", "2026-11-22T12:00")

    assert add_business_time(hours, sunday, timedelta()) == sunday
    with pytest.raises(ValueError, match="negative"):
        add_business_time(hours, sunday, -MINUTE)


def test_calendar_that_never_opens_gives_up() -> None:
    hours = BusinessHours(ZoneInfo("UTC"), ((),) * 7)

    with pytest.raises(NoBusinessTimeError):
        add_business_time(hours, datetime(2026, 1, 1, tzinfo=UTC), MINUTE)


def test_calendar_is_read_from_plain_data() -> None:
    hours = parse_calendar(
        timezone="Africa/Harare",
        weekday_hours={"mon": ["13:00-17:00", "08:00-12:00"], "sun": ["00:00-24:00"]},
        holidays=["2026-04-18"],
    )

    assert hours.weekly[0] == ((480, 720), (780, 1020))
    assert hours.weekly[6] == ((0, 1440),)
    assert hours.holidays == {date(2026, 4, 18)}


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"timezone": "Mars/Base"}, "timezone", "unknown_zone"),
        ({"timezone": None}, "timezone", "unknown_zone"),
        ({"weekday_hours": []}, "weekday_hours", "not_an_object"),
        ({"weekday_hours": {"monday": ["09:00-17:00"]}}, "weekday_hours", "unknown_weekday"),
        ({"weekday_hours": {}}, "weekday_hours", "never_open"),
        ({"weekday_hours": {"mon": "09:00-17:00"}}, "weekday_hours", "not_a_list"),
        ({"weekday_hours": {"mon": ["09:00"]}}, "weekday_hours", "bad_range"),
        ({"weekday_hours": {"mon": ["17:00-09:00"]}}, "weekday_hours", "bad_range"),
        ({"weekday_hours": {"mon": ["09:00-24:30"]}}, "weekday_hours", "bad_range"),
        ({"weekday_hours": {"mon": ["09:00-12:00", "11:00-13:00"]}}, "weekday_hours", "overlap"),
        ({"holidays": "2026-12-25"}, "holidays", "not_a_list"),
        ({"holidays": ["25.12.2026"]}, "holidays", "bad_date"),
        ({"holidays": [7]}, "holidays", "bad_date"),
    ],
)
def test_bad_calendars_name_what_is_wrong(change: dict[str, object], field: str, code: str) -> None:
    good = {"timezone": "UTC", "weekday_hours": {"mon": ["09:00-17:00"]}, "holidays": []}

    with pytest.raises(CalendarError) as caught:
        parse_calendar(**{**good, **change})

    assert (caught.value.field, caught.value.code) == (field, code)
