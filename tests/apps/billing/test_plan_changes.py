"""Changes of plan from the consumer's wish to invoice lines: previewed, charged, given back, carried on."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.billing.enums import PeriodStatus
from apps.billing.models import BillingPeriod, Invoice, InvoiceLine
from apps.billing.proofs import prove_line
from apps.billing.services.invoices import finalize_due_drafts
from apps.billing.services.periods import close_due_periods, open_first_period
from apps.core.actors import Actor
from apps.core.models import AuditEvent
from apps.core.money import Money
from apps.pricing.enums import PlanStatus, PriceModel
from apps.pricing.exceptions import CurrencyNotOffered, QuantityNotOffered
from apps.pricing.models import PriceVersion, TaxRate
from apps.subscriptions.enums import ChangeTiming, PlannedChangeStatus, SubscriptionStatus
from apps.subscriptions.exceptions import (
    CancellationAlreadyScheduled,
    ChangedMeanwhile,
    NoPlannedChange,
    NotChangeable,
    NothingToChange,
    PlanNeedsApproval,
    PlanNotOffered,
    PlanOfAnotherApi,
)
from apps.subscriptions.models import PlannedChange, Subscription, SubscriptionChange
from apps.subscriptions.services import (
    ChangeWish,
    apply_due_changes,
    cancel_at_period_end,
    change_plan,
    preview_change,
    set_spend_cap,
    withdraw_planned_change,
)
from tests.factories.direct import add_window
from tests.factories.plan_changes import (
    APRIL,
    charged,
    make_offer,
    make_paying,
    set_clock,
)

pytestmark = pytest.mark.django_db

ACTOR = Actor.system("test")
CASES = json.loads(
    (Path(__file__).parents[2] / "vectors" / "plan_change.json").read_text(encoding="utf-8")
)
NOW, PERIOD_END = ChangeTiming.NOW, ChangeTiming.PERIOD_END


def at_day(subscription: Subscription, day: int, *, month: int = 4) -> None:
    """Let the subscription's account live at noon of a day of April 2030."""
    moment = APRIL.replace(month=month, day=day, hour=12)
    set_clock(subscription.consumer_organization, moment)


def change(subscription: Subscription, **wish: Any) -> Subscription:
    """Preview and change, and see that what was shown is what is charged."""
    subscription = Subscription.objects.get(pk=subscription.pk)
    asked = ChangeWish(**wish)
    shown = preview_change(subscription=subscription, wish=asked, actor=ACTOR)
    before = charged(subscription)

    wish["token"] = shown.token
    changed = change_plan(subscription=subscription, wish=ChangeWish(**wish), actor=ACTOR)

    booked = charged(subscription)[len(before) :]
    assert sum(booked) == shown.net.amount_minor
    return changed


def test_upgrade_charges_the_difference_of_the_days_that_are_left() -> None:
    subscription = make_paying("100")
    pro = make_offer(subscription, "150", quota_calls=500)
    at_day(subscription, 11)

    changed = change(subscription, plan=pro)

    assert charged(subscription) == [10_000, -6_667, 10_000]
    assert (changed.plan, changed.price_version.quota_calls) == (pro, 500)
    row = SubscriptionChange.objects.get(kind="plan_changed")
    assert (row.net_minor, row.currency) == (3_333, "USD")
    assert (row.before["plan"], row.after["plan"]) == (subscription.plan.public_id, pro.public_id)
    assert row.quote is not None
    shares = [(line["billed_days"], line["period_days"]) for line in row.quote["lines"]]
    assert shares == [(20, 30), (20, 30)]
    first, second = BillingPeriod.objects.order_by("part")
    assert (first.number, first.part, first.status) == (0, 0, PeriodStatus.CLOSING)
    assert (second.number, second.part, second.status) == (0, 1, PeriodStatus.OPEN)
    assert first.period_end == second.period_start == APRIL + timedelta(days=10)
    assert AuditEvent.objects.filter(action="billing:period:cut").count() == 1
    for line in InvoiceLine.objects.select_related("charge__run", "period__price_version"):
        assert prove_line(line).recomputed.is_proven, line


def test_cut_period_comes_on_one_invoice_and_the_next_one_is_whole() -> None:
    subscription = make_paying("100")
    add_window(subscription, at=APRIL + timedelta(days=2), calls=5)
    pro = make_offer(subscription, "150")
    at_day(subscription, 11)
    change(subscription, plan=pro)
    close_due_periods(actor=ACTOR)

    set_clock(subscription.consumer_organization, datetime(2030, 5, 1, 1, tzinfo=UTC))
    for _pass in range(2):
        close_due_periods(actor=ACTOR)

    assert charged(subscription) == [10_000, -6_667, 10_000, 15_000]
    numbers = BillingPeriod.objects.order_by("number", "part").values_list("number", "part")
    assert list(numbers) == [(0, 0), (0, 1), (1, 0)]
    days = Invoice.objects.order_by("billing_day").values_list("billing_day", flat=True)
    assert list(days) == [date(2030, 4, 1), date(2030, 4, 11), date(2030, 5, 1)]
    may = BillingPeriod.objects.get(number=1)
    assert may.period_end == datetime(2030, 6, 1, tzinfo=UTC)


def test_fees_in_arrears_are_billed_by_days_when_the_period_ends() -> None:
    subscription = make_paying("30", in_advance=False)
    pro = make_offer(subscription, "60", in_advance=False)
    at_day(subscription, 11)

    shown = preview_change(subscription=subscription, wish=ChangeWish(plan=pro), actor=ACTOR)
    change(subscription, plan=pro)
    close_due_periods(actor=ACTOR)
    assert not Invoice.objects.exclude(status="draft").exists()
    set_clock(subscription.consumer_organization, datetime(2030, 5, 1, 1, tzinfo=UTC))
    for _pass in range(2):
        close_due_periods(actor=ACTOR)

    assert shown.net.amount_minor == 0
    assert shown.later.amount_minor == 1_000 + 4_000
    invoice = Invoice.objects.get()
    assert invoice.billing_day == date(2030, 5, 1)
    assert [line.amount_minor for line in invoice.lines.all()] == [1_000, 4_000]
    plans = [line.description.split(" · ")[1] for line in invoice.lines.all()]
    assert plans == ["Basic", "Pro"]


def test_change_on_the_first_day_swaps_the_version() -> None:
    subscription = make_paying("100")
    pro = make_offer(subscription, "150")

    change(subscription, plan=pro)

    assert charged(subscription) == [10_000, -10_000, 15_000]
    assert BillingPeriod.objects.get().price_version.plan == pro


def test_two_changes_on_one_day_and_back() -> None:
    subscription = make_paying("100")
    basic, pro = subscription.plan, make_offer(subscription, "150")
    at_day(subscription, 11)
    change(subscription, plan=pro)

    change(subscription, plan=basic, timing=NOW)

    assert charged(subscription) == [10_000, -6_667, 10_000, -10_000, 6_667]
    assert BillingPeriod.objects.count() == 2
    assert sum(charged(subscription)) == 10_000


def test_downgrade_waits_for_the_period_and_can_be_taken_back() -> None:
    subscription = make_paying("100")
    small = make_offer(subscription, "50", name="Small")
    at_day(subscription, 11)

    changed = change(subscription, plan=small)

    assert changed.plan == subscription.plan
    planned = PlannedChange.objects.get()
    assert (planned.plan, planned.due_at) == (small, datetime(2030, 5, 1, tzinfo=UTC))
    withdraw_planned_change(subscription=changed, actor=ACTOR)
    planned.refresh_from_db()
    assert planned.status == PlannedChangeStatus.WITHDRAWN
    with pytest.raises(NoPlannedChange):
        withdraw_planned_change(subscription=changed, actor=ACTOR)
    kinds = SubscriptionChange.objects.values_list("kind", flat=True)
    assert list(kinds) == ["change_scheduled", "change_withdrawn"]


@pytest.mark.parametrize("first", ["job", "closing"])
def test_planned_change_counts_from_the_next_period_on(first: str) -> None:
    subscription = make_paying("100")
    small = make_offer(subscription, "50", name="Small")
    at_day(subscription, 11)
    change(subscription, plan=small)
    set_clock(subscription.consumer_organization, datetime(2030, 5, 1, 1, tzinfo=UTC))

    if first == "job":
        assert apply_due_changes(actor=ACTOR) == 1
    for _pass in range(2):
        close_due_periods(actor=ACTOR)
    assert apply_due_changes(actor=ACTOR) == 0

    assert charged(subscription) == [10_000, 5_000]
    assert PlannedChange.objects.get().status == PlannedChangeStatus.APPLIED
    row = SubscriptionChange.objects.get(kind="plan_changed")
    assert (row.effective_at, row.net_minor) == (datetime(2030, 5, 1, tzinfo=UTC), 0)


def test_newer_wish_replaces_a_planned_change_and_an_immediate_one_too() -> None:
    subscription = make_paying("100")
    small, tiny = make_offer(subscription, "50", name="Small"), make_offer(subscription, "20")
    pro = make_offer(subscription, "150")
    at_day(subscription, 11)

    change(subscription, plan=small)
    change(subscription, plan=tiny)
    change(subscription, plan=pro)

    states = PlannedChange.objects.order_by("id").values_list("status", flat=True)
    assert list(states) == ["replaced", "replaced"]


def test_planned_change_to_a_plan_that_was_closed_is_dropped() -> None:
    subscription = make_paying("100")
    small = make_offer(subscription, "50", name="Small")
    change(subscription, plan=small, timing=PERIOD_END)
    small.status = PlanStatus.CLOSED
    small.save()
    set_clock(subscription.consumer_organization, datetime(2030, 5, 1, 1, tzinfo=UTC))

    assert apply_due_changes(actor=ACTOR) == 0
    assert PlannedChange.objects.get().status == PlannedChangeStatus.DROPPED


def test_downgrade_at_once_becomes_credit_of_the_next_invoice() -> None:
    subscription = make_paying("100")
    small = make_offer(subscription, "50", name="Small")
    finalize_due_drafts(actor=ACTOR)
    at_day(subscription, 11)

    change(subscription, plan=small, timing=NOW)
    close_due_periods(actor=ACTOR)
    set_clock(subscription.consumer_organization, datetime(2030, 5, 1, 1, tzinfo=UTC))
    for _pass in range(2):
        close_due_periods(actor=ACTOR)

    assert charged(subscription) == [10_000, -6_667, 3_333, 5_000]
    totals = Invoice.objects.order_by("billing_day").values_list("total_minor", flat=True)
    assert list(totals) == [10_000, 0, 1_666]


def test_longer_interval_begins_a_new_period_at_once() -> None:
    subscription = make_paying("100")
    yearly = make_offer(subscription, "1200", name="Yearly", interval="year")
    at_day(subscription, 11)

    changed = change(subscription, plan=yearly, timing=NOW)

    assert charged(subscription) == [10_000, -6_667, 120_000]
    assert changed.anchor == APRIL + timedelta(days=10)
    running = BillingPeriod.objects.get(status=PeriodStatus.OPEN)
    assert (running.number, running.part) == (1, 0)
    assert running.period_end == datetime(2031, 4, 11, tzinfo=UTC)
    set_clock(subscription.consumer_organization, datetime(2031, 4, 11, 1, tzinfo=UTC))
    for _pass in range(2):
        close_due_periods(actor=ACTOR)
    following = BillingPeriod.objects.get(status=PeriodStatus.OPEN)
    assert (following.number, following.period_start) == (2, running.period_end)


def test_shorter_interval_waits_and_counts_from_the_boundary() -> None:
    subscription = make_paying("100")
    weekly = make_offer(subscription, "30", name="Weekly", interval="week")
    at_day(subscription, 11)

    change(subscription, plan=weekly)
    set_clock(subscription.consumer_organization, datetime(2030, 5, 1, 1, tzinfo=UTC))
    for _pass in range(2):
        close_due_periods(actor=ACTOR)

    running = BillingPeriod.objects.get(status=PeriodStatus.OPEN)
    assert (running.number, running.period_end) == (1, datetime(2030, 5, 8, tzinfo=UTC))
    assert charged(subscription) == [10_000, 3_000]


def test_quantity_multiplies_fee_and_quota() -> None:
    subscription = make_paying("10")
    type(subscription.plan).objects.filter(pk=subscription.plan_id).update(max_quantity=10)
    at_day(subscription, 16)

    change(subscription, quantity=3)

    assert charged(subscription) == [1_000, -500, 1_500]
    assert BillingPeriod.objects.get(status=PeriodStatus.OPEN).quantity == 3


def test_trial_changes_for_nothing_and_pays_the_new_plan_afterwards() -> None:
    subscription = make_paying(
        "100",
        status=SubscriptionStatus.TRIALING,
        trial_ends_at=APRIL + timedelta(days=14),
    )
    pro = make_offer(subscription, "150")
    at_day(subscription, 5)

    change(subscription, plan=pro)

    assert charged(subscription) == []
    subscription.refresh_from_db()
    subscription.status = SubscriptionStatus.ACTIVE
    subscription.save()
    open_first_period(subscription=subscription, at=APRIL + timedelta(days=14))
    assert len(charged(subscription)) == 1


def test_preview_changes_nothing_and_knows_the_tax() -> None:
    subscription = make_paying("100")
    consumer = subscription.consumer_organization
    TaxRate.objects.create(country=consumer.country, percent=20, valid_from=date(2020, 1, 1))
    pro = make_offer(subscription, "150")
    at_day(subscription, 11)

    shown = preview_change(subscription=subscription, wish=ChangeWish(plan=pro), actor=ACTOR)

    assert (shown.net.amount_minor, shown.tax.amount_minor) == (3_333, -1_333 + 2_000)
    assert charged(subscription) == [10_000]
    change(subscription, plan=pro)
    drafts = InvoiceLine.objects.filter(invoice__billing_day=date(2030, 4, 11))
    assert sum(line.tax_minor for line in drafts) == shown.tax.amount_minor


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"status": SubscriptionStatus.CANCELLED}, NotChangeable),
        ({"status": SubscriptionStatus.PAUSED}, NotChangeable),
        ({"status": SubscriptionStatus.PAST_DUE}, NotChangeable),
    ],
)
def test_states_that_refuse(fields: dict[str, Any], error: type[Exception]) -> None:
    subscription = make_paying("100")
    pro = make_offer(subscription, "150")
    Subscription.objects.filter(pk=subscription.pk).update(**fields)

    with pytest.raises(error):
        change(subscription, plan=pro)

    assert not SubscriptionChange.objects.exists()


def test_plans_that_refuse() -> None:
    subscription = make_paying("100")
    other = make_offer(make_paying("5", consumer=None), "150")
    refused: list[tuple[ChangeWish, type[Exception]]] = [
        (ChangeWish(plan=subscription.plan), NothingToChange),
        (ChangeWish(quantity=1), NothingToChange),
        (ChangeWish(plan=other), PlanOfAnotherApi),
        (ChangeWish(quantity=2), QuantityNotOffered),
        (ChangeWish(quantity=0), QuantityNotOffered),
        (ChangeWish(plan=make_offer(subscription, "7", currency="EUR")), CurrencyNotOffered),
        (
            ChangeWish(plan=make_offer(subscription, "8", plan={"requires_approval": True})),
            PlanNeedsApproval,
        ),
    ]
    draft = make_offer(subscription, "9")
    draft.status = PlanStatus.DEPRECATED
    draft.save()
    refused.append((ChangeWish(plan=draft), PlanNotOffered))

    for wish, error in refused:
        with pytest.raises(error):
            change_plan(subscription=subscription, wish=wish, actor=ACTOR)
    cancel_at_period_end(subscription=subscription, actor=ACTOR, reason="")
    with pytest.raises(CancellationAlreadyScheduled):
        change(subscription, plan=make_offer(subscription, "150"))
    assert charged(subscription) == [10_000]


def test_stale_preview_and_stale_subscription_are_refused() -> None:
    subscription = make_paying("100")
    pro = make_offer(subscription, "150")
    stale = Subscription.objects.get(pk=subscription.pk)
    at_day(subscription, 11)
    stale_wish = ChangeWish(plan=pro)
    shown = preview_change(
        subscription=Subscription.objects.get(pk=subscription.pk), wish=stale_wish, actor=ACTOR
    )
    at_day(subscription, 12)

    with pytest.raises(ChangedMeanwhile):
        change_plan(subscription=stale, wish=ChangeWish(plan=pro, token=shown.token), actor=ACTOR)
    change(subscription, plan=pro)
    with pytest.raises(ChangedMeanwhile):
        change_plan(subscription=stale, wish=ChangeWish(plan=subscription.plan), actor=ACTOR)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_vectors_reach_the_invoice(case: dict[str, Any]) -> None:
    asked, expected = case["input"], case["expected"]
    # A test clock cannot stand in the past: the same days, some years later.
    start, at = (
        datetime.fromisoformat(asked[name]).replace(year=2030)
        for name in ("period_from", "change_at")
    )
    subscription = make_paying(asked["old_amount"], start=start)
    offer = make_offer(subscription, asked["new_amount"])
    set_clock(subscription.consumer_organization, at)

    change(subscription, plan=offer, timing=NOW)

    credit, charge = charged(subscription)[-2:]
    assert credit == Decimal(expected["credit"]) * 100
    assert charge == Decimal(expected["charge"]) * 100


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.lists(
        st.tuples(st.integers(1, 30), st.sampled_from(["0", "33.33", "50", "100", "149.99"])),
        max_size=5,
    )
)
def test_any_sequence_of_changes_charges_each_day_once(steps: list[tuple[int, str]]) -> None:
    subscription = make_paying("100")
    plans = {
        fee: make_offer(subscription, fee, name=f"Fee {fee}")
        for fee in {fee for _day, fee in steps}
    }
    current, by_day = "100", ["100"] * 30
    for day, fee in sorted(steps, key=lambda step: step[0]):
        at_day(subscription, day)
        if fee != current:
            change(subscription, plan=plans[fee], timing=NOW)
            by_day[day - 1 :] = [fee] * (31 - day)
            current = fee
    close_due_periods(actor=ACTOR)
    set_clock(subscription.consumer_organization, datetime(2030, 5, 1, 1, tzinfo=UTC))
    for _pass in range(2):
        close_due_periods(actor=ACTOR)

    lines = list(InvoiceLine.objects.filter(period__subscription=subscription, period__number=0))
    exact = sum((Decimal(fee) / 30 for fee in by_day), Decimal(0)) * 100
    booked = sum(line.amount_minor for line in lines)
    assert abs(booked - exact) <= Decimal(len(lines)) / 2
    consumer = subscription.consumer_organization
    invoices = Invoice.objects.filter(organization=consumer)
    assert all(invoice.total_minor >= 0 for invoice in invoices)


def make_capped(most: str, *, name: str = "Calls", fee: str = "0") -> Subscription:
    """Make a subscription of a call for 1.00, at most so much in a period."""
    subscription = make_paying(fee)
    type(subscription.plan).objects.filter(pk=subscription.plan_id).update(max_quantity=5)
    add_capped(subscription.price_version, most, name=name)
    return Subscription.objects.get(pk=subscription.pk)


def add_capped(version: PriceVersion, most: str, *, name: str = "Calls") -> None:
    version.components.create(
        meter="calls",
        name=name,
        model=PriceModel.PER_UNIT,
        unit_price=Decimal(1),
        max_spend=Decimal(most),
    )


def usage_lines(subscription: Subscription) -> list[int]:
    rows = InvoiceLine.objects.filter(period__subscription=subscription, kind="usage")
    for row in rows:
        assert prove_line(row).recomputed.is_proven, row
    return list(rows.order_by("period__part").values_list("amount_minor", flat=True))


def close_april(subscription: Subscription) -> None:
    close_due_periods(actor=ACTOR)
    set_clock(subscription.consumer_organization, datetime(2030, 5, 1, 1, tzinfo=UTC))
    for _pass in range(2):
        close_due_periods(actor=ACTOR)


def test_parts_on_one_price_share_its_maximum() -> None:
    subscription = make_capped("30")
    add_window(subscription, at=APRIL + timedelta(days=2), calls=25)
    add_window(subscription, at=APRIL + timedelta(days=15), calls=25)
    at_day(subscription, 11)
    change(subscription, quantity=2, timing=NOW)

    close_april(subscription)

    assert usage_lines(subscription) == [2_500, 500]


def test_a_maximum_of_another_plan_is_prorated_by_days() -> None:
    subscription = make_capped("30")
    pro = make_offer(subscription, "10")
    add_capped(pro.versions.get(), "60")
    add_window(subscription, at=APRIL + timedelta(days=2), calls=25)
    add_window(subscription, at=APRIL + timedelta(days=15), calls=75)
    at_day(subscription, 11)
    change(subscription, plan=pro)

    close_april(subscription)

    # 10 of 30 days of 30.00, and 20 of 30 days of 60.00.
    assert usage_lines(subscription) == [1_000, 4_000]


def test_a_spend_cap_is_the_whole_periods() -> None:
    subscription = make_capped("1000", fee="3")
    set_spend_cap(subscription=subscription, amount=Money(3_300, "USD"), actor=ACTOR)
    add_window(subscription, at=APRIL + timedelta(days=2), calls=25)
    add_window(subscription, at=APRIL + timedelta(days=15), calls=25)
    at_day(subscription, 11)
    change(subscription, quantity=2, timing=NOW)

    close_april(subscription)

    # 33.00 less fees of 1.00 and 4.00 and less 25 calls of the first part.
    assert usage_lines(subscription) == [2_500, 300]
    april = InvoiceLine.objects.filter(period__number=0)
    assert sum(line.amount_minor for line in april) == 3_300
