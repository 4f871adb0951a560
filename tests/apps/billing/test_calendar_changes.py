"""Changes of plan where plans follow the calendar: every amount here was worked out by hand, as days of a calendar page.

Most fees are chosen so that a day of the whole unit costs 1.00; the shares of the others stand beside them. 2030 is a common year, 2032 a leap
year; clocks go forward on 31 March 2030 in Paris and on 10 March 2030 in New York.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from apps.billing.enums import PeriodStatus
from apps.billing.models import BillingPeriod, Invoice, InvoiceLine
from apps.billing.proofs import prove_line
from apps.billing.services.periods import close_due_periods, open_first_period
from apps.core.actors import Actor
from apps.pricing.enums import Alignment
from apps.pricing.models import Plan, PriceVersion
from apps.subscriptions.enums import ChangeTiming, SubscriptionStatus
from apps.subscriptions.models import PlannedChange, Subscription
from apps.subscriptions.services import ChangeWish, apply_due_changes, change_plan, preview_change
from tests.factories.accounts import OrganizationFactory
from tests.factories.direct import make_subscription_row
from tests.factories.plan_changes import add_fee, charged, make_offer, make_paying, set_clock

pytestmark = pytest.mark.django_db

ACTOR = Actor.system("test")
NOW = ChangeTiming.NOW
CALENDAR = Alignment.CALENDAR
PARIS, NEW_YORK, HARARE = "Europe/Paris", "America/New_York", "Africa/Harare"


def at(text: str, zone: str = "UTC") -> datetime:
    """Read a wall clock of a zone as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def make_calendar(
    start: str,
    fee: str,
    *,
    zone: str = "UTC",
    interval: str = "month",
    in_advance: bool = True,
    **fields: Any,
) -> Subscription:
    """Subscribe at a wall clock to a plan whose periods are those of the calendar."""
    began = at(start, zone)
    consumer = OrganizationFactory(is_sandbox=True, timezone=zone)
    set_clock(consumer, began)
    made = make_subscription_row(
        consumer=consumer, anchor=began, started_at=began, timezone=zone, **fields
    )
    PriceVersion.objects.filter(pk=made.price_version_id).update(
        alignment=CALENDAR, interval=interval
    )
    Plan.objects.filter(pk=made.plan_id).update(max_quantity=10)
    made = Subscription.objects.select_related("price_version").get(pk=made.pk)
    add_fee(made.price_version, fee, in_advance=in_advance)
    open_first_period(subscription=made, at=began)
    return Subscription.objects.get(pk=made.pk)


def offer(subscription: Subscription, fee: str, **version: Any) -> Plan:
    """Offer another plan, of the same calendar unless told otherwise."""
    present = subscription.price_version
    return make_offer(
        subscription,
        fee,
        name=f"For {fee}",
        **{"alignment": present.alignment, "interval": present.interval, **version},
    )


def move_to(subscription: Subscription, moment: datetime) -> Subscription:
    set_clock(subscription.consumer_organization, moment)
    return Subscription.objects.get(pk=subscription.pk)


def change(subscription: Subscription, moment: datetime, **wish: Any) -> Subscription:
    """Change at a moment for exactly what its preview shows."""
    subscription = move_to(subscription, moment)
    before = len(charged(subscription))
    shown = preview_change(subscription=subscription, wish=ChangeWish(**wish), actor=ACTOR)
    changed = change_plan(
        subscription=subscription, wish=ChangeWish(**wish, token=shown.token), actor=ACTOR
    )
    assert sum(charged(subscription)[before:]) == shown.net.amount_minor
    return changed


def roll(subscription: Subscription, moment: datetime) -> None:
    """Let what is due by a moment be closed, and the next period open."""
    move_to(subscription, moment + timedelta(hours=1))
    for _pass in range(2):
        close_due_periods(actor=ACTOR)


def running(subscription: Subscription) -> BillingPeriod:
    return BillingPeriod.objects.get(subscription=subscription, status=PeriodStatus.OPEN)


@dataclass(frozen=True)
class Case:
    """A subscription that changes once, at once.

    Attributes:
        change: its wall clock, and the new fee (text) or quantity (number).
        lines: what was charged at the start, given back, charged, and charged when the next period opened, in cents.
        ends: the wall clock at which the running period ends.
    """

    name: str
    start: str
    fee: str
    change: tuple[str, str | int]
    lines: list[int]
    ends: str
    zone: str = "UTC"
    interval: str = "month"


CASES = [
    # 17 of 31 days; 11 of 31 are left. 100 x 17/31 = 54.84, 100 x 11/31 = 35.48, 150 x 11/31 = 53.23.
    Case("upgrade in a short first period", "2030-03-15T09:00", "100", ("2030-03-21T12:00", "150"), [5_484, -3_548, 5_323, 15_000], "2030-04-01"),
    Case("downgrade in a short first period", "2030-03-15T09:00", "150", ("2030-03-21T12:00", "100"), [8_226, -5_323, 3_548, 10_000], "2030-04-01"),
    Case("quantity in a short first period", "2030-03-15T09:00", "31", ("2030-03-21T12:00", 3), [1_700, -1_100, 3_300, 9_300], "2030-04-01"),
    # Subscribed on a month's last day: 1 of 31 days, and all of it is swapped on the same day.
    Case("the last day of a month is a first period", "2030-01-31T08:00", "31", ("2030-01-31T20:00", "62"), [100, -100, 200, 6_200], "2030-02-01"),
    # 31 x 1/28 = 1.107, 62 x 1/28 = 2.214.
    Case("last day of February", "2030-02-01T00:00", "31", ("2030-02-28T23:59", "62"), [3_100, -111, 221, 6_200], "2030-03-01"),
    Case("last day of a February of 29 days", "2032-02-01T00:00", "29", ("2032-02-29T00:00", "58"), [2_900, -100, 200, 5_800], "2032-03-01"),
    Case("day before it", "2032-02-10T00:00", "29", ("2032-02-28T12:00", "58"), [2_000, -200, 400, 5_800], "2032-03-01"),
    # 31 March has 23 hours in Paris and is one day, though it is still the 30th by UTC.
    Case("day of 23 hours", "2030-03-10T10:00", "31", ("2030-03-31T00:30", "62"), [2_200, -100, 200, 6_200], "2030-04-01", PARIS),
    # In New York the 30th is not over at 03:30 UTC of the 31st.
    Case("late in the evening", "2030-03-10T10:00", "31", ("2030-03-30T23:30", "62"), [2_200, -200, 400, 6_200], "2030-04-01", NEW_YORK),
    # 27 October 2030 has 25 hours in Paris; October's 31 days count alike.
    Case("day of 25 hours", "2030-10-20T10:00", "31", ("2030-10-27T23:30", "62"), [1_200, -500, 1_000, 6_200], "2030-11-01", PARIS),
    # 366 days; 1 March to 31 December are 306 of them.
    Case("leap year", "2032-03-01T12:00", "366", ("2032-12-31T12:00", "732"), [30_600, -100, 200, 73_200], "2033-01-01", HARARE, "year"),
    # The first quarter of 2032 has 91 days, 46 from 15 February on; from 29 February on 32.
    Case("leap quarter", "2032-02-15T12:00", "91", ("2032-02-29T12:00", "182"), [4_600, -3_200, 6_400, 18_200], "2032-04-01", NEW_YORK, "quarter"),
    # 14 March 2030 is a Thursday: 4 of 7 days; from Saturday on 2.
    Case("week", "2030-03-14T12:00", "7", ("2030-03-16T12:00", "14"), [400, -200, 400, 1_400], "2030-03-18", "UTC", "week"),
    # 181 days from January to June 2030; 30 are left on 1 June.
    Case("half a year", "2030-01-01T00:00", "181", ("2030-06-01T00:00", "362"), [18_100, -3_000, 6_000, 36_200], "2030-07-01", "UTC", "half_year"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_change_at_once(case: Case) -> None:
    subscription = make_calendar(case.start, case.fee, zone=case.zone, interval=case.interval)
    moment, wanted = at(case.change[0], case.zone), case.change[1]
    wish: dict[str, Any] = {"timing": NOW}
    if isinstance(wanted, int):
        wish["quantity"] = wanted
    else:
        wish["plan"] = offer(subscription, wanted)
    ends = at(f"{case.ends}T00:00", case.zone)

    change(subscription, moment, **wish)
    part = running(subscription)
    assert (part.period_end, part.whole.end) == (ends, ends)
    roll(subscription, ends)

    assert charged(subscription) == case.lines
    following = running(subscription)
    assert (following.number, following.part, following.period_start) == (1, 0, ends)
    assert following.whole == following.span
    rated = InvoiceLine.objects.filter(charge__isnull=False)
    for line in rated.select_related("charge__run", "period__price_version"):
        assert prove_line(line).recomputed.is_proven, line


def test_short_period_is_cut_at_the_local_midnight() -> None:
    subscription = make_calendar("2030-03-10T10:00", "31", zone=PARIS)

    change(subscription, at("2030-03-31T00:30", PARIS), plan=offer(subscription, "62"), timing=NOW)

    first, second = BillingPeriod.objects.order_by("part")
    assert first.period_start == at("2030-03-01T00:00", PARIS)
    assert first.period_end == second.period_start == datetime(2030, 3, 30, 23, tzinfo=UTC)
    assert second.period_end == datetime(2030, 3, 31, 22, tzinfo=UTC)
    assert second.span.duration == timedelta(hours=23)
    assert first.whole == second.whole


@pytest.mark.parametrize("first", ["job", "closing"])
def test_downgrade_waits_for_the_first_of_the_month(first: str) -> None:
    # 28 of 29 days of February 2032; Harare is two hours ahead.
    subscription = make_calendar("2032-02-02T08:00", "58", zone=HARARE)
    small = offer(subscription, "31")
    boundary = at("2032-03-01T00:00", HARARE)

    change(subscription, at("2032-02-29T23:30", HARARE), plan=small)
    assert PlannedChange.objects.get().due_at == boundary == datetime(2032, 2, 29, 22, tzinfo=UTC)
    move_to(subscription, boundary + timedelta(minutes=10))
    if first == "job":
        assert apply_due_changes(actor=ACTOR) == 1
    roll(subscription, boundary)

    assert charged(subscription) == [5_600, 3_100]
    assert running(subscription).price_version.plan == small


def test_fees_in_arrears_of_a_short_first_period() -> None:
    subscription = make_calendar("2030-03-15T09:00", "31", in_advance=False)
    pro = offer(subscription, "62")
    PriceVersion.objects.get(plan=pro).components.update(billed_in_advance=False)
    asking = move_to(subscription, at("2030-03-21T12:00"))
    shown = preview_change(subscription=asking, wish=ChangeWish(plan=pro), actor=ACTOR)

    change(subscription, at("2030-03-21T12:00"), plan=pro, timing=NOW)
    roll(subscription, at("2030-04-01T00:00"))

    # The 15th to the 20th, and the 21st to the 31st.
    assert charged(subscription) == [600, 2_200]
    assert (shown.net.amount_minor, shown.later.amount_minor) == (0, 2_800)


def test_trial_in_a_short_first_period_pays_the_new_plan_from_its_last_day_on() -> None:
    subscription = make_calendar(
        "2030-03-15T09:00",
        "31",
        status=SubscriptionStatus.TRIALING,
        trial_ends_at=at("2030-03-18T12:00"),
    )
    change(subscription, at("2030-03-16T12:00"), plan=offer(subscription, "62"), timing=NOW)
    assert charged(subscription) == []

    Subscription.objects.update(status=SubscriptionStatus.ACTIVE)
    open_first_period(subscription=Subscription.objects.get(), at=at("2030-03-18T12:00"))

    assert charged(subscription) == [2_800]  # the 18th to the 31st: 14 days


def test_longer_calendar_interval_joins_the_year_that_has_begun() -> None:
    subscription = make_calendar("2030-03-01T00:00", "31")
    yearly = offer(subscription, "365", interval="year")

    # 11 of 31 days go back; 21 March to 31 December are 286 of 365 days.
    changed = change(subscription, at("2030-03-21T12:00"), plan=yearly, timing=NOW)

    assert charged(subscription) == [3_100, -1_100, 28_600]
    part = running(subscription)
    assert (part.number, part.part, part.period_start) == (1, 0, at("2030-03-21T00:00"))
    assert (part.whole.start, part.whole.end) == (at("2030-01-01T00:00"), at("2031-01-01T00:00"))
    assert changed.anchor == at("2030-03-21T00:00")
    roll(subscription, at("2031-01-01T00:00"))
    assert charged(subscription)[3:] == [36_500]
    assert running(subscription).number == 2


def test_shorter_calendar_interval_waits_for_the_new_year() -> None:
    subscription = make_calendar("2032-12-31T12:00", "366", interval="year")
    monthly = offer(subscription, "62", interval="month")

    change(subscription, at("2032-12-31T13:00"), plan=monthly)
    roll(subscription, at("2033-01-01T00:00"))

    assert charged(subscription) == [100, 6_200]
    assert running(subscription).period_end == at("2033-02-01T00:00")


def test_from_the_calendar_to_the_anniversary() -> None:
    subscription = make_calendar("2030-03-15T09:00", "31")
    rolling = offer(subscription, "62", alignment=Alignment.ANNIVERSARY)

    # The 21st to the 31st go back; a whole period of 31 days begins on the 21st.
    change(subscription, at("2030-03-21T12:00"), plan=rolling, timing=NOW)
    roll(subscription, at("2030-04-21T00:00"))

    assert charged(subscription) == [1_700, -1_100, 6_200, 6_200]
    following = running(subscription)
    assert (following.period_start, following.period_end) == (
        at("2030-04-21T00:00"),
        at("2030-05-21T00:00"),
    )


def test_from_the_anniversary_to_the_calendar() -> None:
    subscription = make_paying("31", start=at("2030-03-10T00:00"))
    aligned = make_offer(subscription, "62", alignment=CALENDAR)

    # 21 March to 9 April go back, 20 of 31 days; 11 of March's 31 days are charged, then April.
    change(subscription, at("2030-03-21T12:00"), plan=aligned, timing=NOW)
    roll(subscription, at("2030-04-01T00:00"))

    assert charged(subscription) == [3_100, -2_000, 2_200, 6_200]
    assert running(subscription).period_end == at("2030-05-01T00:00")


def test_two_changes_in_a_short_first_period_charge_each_day_once() -> None:
    subscription = make_calendar("2030-03-15T09:00", "31")
    pro = offer(subscription, "62")

    change(subscription, at("2030-03-21T12:00"), plan=pro, timing=NOW)
    change(subscription, at("2030-03-30T12:00"), plan=subscription.plan, timing=NOW)
    roll(subscription, at("2030-04-01T00:00"))

    # 6 days at 1.00, 9 at 2.00, 2 at 1.00; then April, of 30 days, whole.
    assert charged(subscription) == [1_700, -1_100, 2_200, -400, 200, 3_100]
    march = InvoiceLine.objects.filter(period__number=0)
    assert sum(line.amount_minor for line in march) == 600 + 1_800 + 200
    assert all(invoice.total_minor >= 0 for invoice in Invoice.objects.all())
