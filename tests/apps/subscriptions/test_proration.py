"""Proration: worked cases, and laws of shares."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from apps.core.clock import Period
from apps.core.money import Money, round_half_away
from apps.subscriptions.periods import (
    Interval,
    IntervalUnit,
    billing_period,
    billing_period_index,
    start_of_day,
)
from apps.subscriptions.proration import (
    DayBasis,
    DayRange,
    cap_credit,
    price_plan_change,
    prorate,
    prorate_money,
    proration_fraction,
    share_of_days,
    share_of_time,
)
from tests.vectors import vectors

ONE_DAY = timedelta(days=1)


def days_between(first: str, last: str) -> DayRange:
    return DayRange(date.fromisoformat(first), date.fromisoformat(last) + ONE_DAY)


def period_between(start: str, end: str) -> Period:
    return Period(datetime.fromisoformat(start), datetime.fromisoformat(end))


@vectors("recurring_fee_days")
def test_recurring_fee_is_billed_by_days(kind: str, vector: dict[str, Any]) -> None:
    row = vector["input"]
    trial = None
    if row["trial_first_day"] is not None:
        first = date.fromisoformat(row["trial_first_day"])
        trial = DayRange(first, first + row["trial_days"] * ONE_DAY)
    share = share_of_days(
        days_between(row["period_first_day"], row["period_last_day"]),
        days_between(row["billed_first_day"], row["billed_last_day"]),
        trial=trial,
    )
    amount = prorate(Decimal(row["plan_amount"]), share.fraction)
    assert round_half_away(amount, row["rounding_places"]) == Decimal(vector["expected"]["amount"])


@vectors("flat_fee_time")
def test_flat_fee_by_time(kind: str, vector: dict[str, Any]) -> None:
    row = vector["input"]
    assert row["proration_enabled"]
    share = share_of_time(
        period_between(row["full_from"], row["full_to"]),
        period_between(row["service_from"], row["service_to"]),
    )
    amount = prorate(Decimal(row["amount"]), share)
    assert round_half_away(amount, row["rounding_places"]) == Decimal(vector["expected"]["amount"])


@vectors("plan_change")
def test_plan_change_gives_back_and_charges(kind: str, vector: dict[str, Any]) -> None:
    row, expected = vector["input"], vector["expected"]
    unused = share_of_time(
        period_between(row["period_from"], row["period_to_exclusive"]),
        period_between(row["change_at"], row["period_to_exclusive"]),
    )
    old, new = (
        Money.from_decimal(Decimal(row[name]), row["currency"])
        for name in ("old_amount", "new_amount")
    )
    change = price_plan_change(old, new, unused)
    assert change.credit.amount == Decimal(expected["credit"])
    assert change.charge.amount == Decimal(expected["charge"])
    assert change.net.amount == Decimal(expected["net"])


def test_upgrade_with_twenty_of_thirty_days_left() -> None:
    june = DayRange(date(2026, 6, 1), date(2026, 7, 1))
    unused = share_of_days(june, DayRange(date(2026, 6, 11), june.end))
    change = price_plan_change(Money(10_000, "USD"), Money(15_000, "USD"), unused.fraction)
    assert (unused.billed_days, unused.period_days) == (20, 30)
    assert (change.credit, change.charge) == (Money(-6667, "USD"), Money(10_000, "USD"))
    assert change.net == Money(3333, "USD")


@vectors("proration_fraction")
def test_fraction_of_days(kind: str, vector: dict[str, Any]) -> None:
    row = vector["input"]
    fraction = proration_fraction(
        DayRange(
            date.fromisoformat(row["period_from"]), date.fromisoformat(row["period_to_exclusive"])
        ),
        DayRange(
            date.fromisoformat(row["service_from"]),
            date.fromisoformat(row["service_to_exclusive"]),
        ),
        DayBasis(row["day_basis"]),
    )
    rounded = round_half_away(prorate(Decimal(1), fraction), row["places"])
    assert rounded == Decimal(vector["expected"]["fraction"])


@vectors("credit_cap")
def test_credit_stays_within_what_was_paid(kind: str, vector: dict[str, Any]) -> None:
    potential, paid, before = (
        Money.from_decimal(Decimal(vector["input"][name]), "USD")
        for name in ("potential_credit", "original_paid", "previous_credits")
    )
    credit = cap_credit(potential, paid=paid, credited_before=before)
    assert credit.amount == Decimal(vector["expected"]["credit"])


@vectors("day_count_calendar")
def test_days_are_calendar_days(kind: str, vector: dict[str, Any]) -> None:
    row = vector["input"]
    days = DayRange(
        date.fromisoformat(row["from_local_date"]), date.fromisoformat(row["to_local_date"])
    )
    assert days.days == vector["expected"]["days"]


@vectors("day_count_elapsed")
def test_days_between_instants_are_local_days(kind: str, vector: dict[str, Any]) -> None:
    row = vector["input"]
    # Its end is the last second that belongs to the period; ours is the first instant after it.
    end = datetime.fromisoformat(row["to_utc"]) + timedelta(seconds=1)
    period = Period(datetime.fromisoformat(row["from_utc"]), end)

    assert DayRange.of(period, row["timezone"]).days == vector["expected"]["days"]


@vectors("billing_cycles")
def test_cycles_billed_in_advance(kind: str, vector: dict[str, Any]) -> None:
    """The part of a cycle before the first boundary, each whole cycle that has begun, the part after the last one."""
    row = vector["input"]
    start, target = date.fromisoformat(row["start"]), date.fromisoformat(row["target"])
    end = date.max if row["end_exclusive"] is None else date.fromisoformat(row["end_exclusive"])
    interval = Interval(IntervalUnit.MONTH, row["interval_months"])
    anchor = start.replace(day=row["bill_cycle_day"])
    index = billing_period_index(anchor, interval, at=start_of_day(start, "UTC"), timezone="UTC")

    cycles = Decimal(0)
    while True:
        cycle = DayRange.of(billing_period(anchor, interval, index=index, timezone="UTC"), "UTC")
        begins = max(start, cycle.first)
        if begins > target or begins >= end:
            break
        share = share_of_days(cycle, DayRange(start, end))
        cycles += round_half_away(prorate(Decimal(1), share.fraction), row["places"])
        index += 1

    assert cycles == Decimal(vector["expected"]["cycles"])


@given(st.integers(1, 366), st.data())
def test_shares_of_a_split_period_add_up(length: int, data: st.DataObject) -> None:
    first = date(2024, 1, 1)
    period = DayRange(first, first + length * ONE_DAY)
    cut = first + data.draw(st.integers(0, length)) * ONE_DAY
    before = share_of_days(period, DayRange(first, cut))
    after = share_of_days(period, DayRange(cut, period.end))
    assert before.fraction + after.fraction == 1


@given(st.integers(0, 10**9), st.fractions(0, 1))
def test_credit_of_an_unchanged_plan_is_its_charge(fee: int, unused: Any) -> None:
    change = price_plan_change(Money(fee, "USD"), Money(fee, "USD"), unused)
    assert change.net == Money(0, "USD")
    assert change.charge == prorate_money(Money(fee, "USD"), unused)
