"""Promotions on fees in advance and on changes of plan: nobody gains or loses by changing, and a period is one use."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.billing.enums import LineKind
from apps.billing.estimates import estimate_periods
from apps.billing.models import CarriedCredit, Invoice, InvoiceLine
from apps.billing.presentation import invoice_document
from apps.billing.proofs import prove_line
from apps.billing.selectors import list_open_periods
from apps.billing.services.invoices import finalize_due_drafts, mark_invoice_paid
from apps.billing.services.periods import close_due_periods
from apps.billing.span_costs import span_costs_for
from apps.core import clock
from apps.core.actors import Actor
from apps.core.clock import Period
from apps.pricing.enums import PriceModel, PromotionDuration, PromotionKind
from apps.pricing.models import Promotion, TaxRate
from apps.subscriptions.enums import ChangeTiming
from apps.subscriptions.models import PromotionRedemption, PromotionUse, Subscription
from apps.subscriptions.services import (
    ChangeWish,
    change_plan,
    preview_change,
)
from apps.usage.costs import CostQuestion, SpanCost
from tests.factories.accounts import actor_of, make_member
from tests.factories.direct import add_window
from tests.factories.plan_changes import (
    APRIL,
    charged,
    make_lowered,
    make_offer,
    set_clock,
)
from tests.factories.pricing import make_promotion

pytestmark = pytest.mark.django_db

ACTOR = Actor.system("test")
MAY = datetime(2030, 5, 1, 1, tzinfo=UTC)
FOREVER = {"duration": PromotionDuration.FOREVER}
FIVE_OFF: dict[str, Any] = {
    "kind": PromotionKind.FIXED_AMOUNT,
    "amount_off_minor": 1_000,
    "currency": "USD",
}


def change_on(subscription: Subscription, day: int, **wish: Any) -> list[int]:
    """Preview and change at noon of a day of April; return what was booked, which is what was shown."""
    set_clock(subscription.consumer_organization, APRIL.replace(day=day, hour=12))
    subscription = Subscription.objects.get(pk=subscription.pk)
    asked = {"timing": ChangeTiming.NOW, **wish}
    shown = preview_change(subscription=subscription, wish=ChangeWish(**asked), actor=ACTOR)
    before = InvoiceLine.objects.count()
    wish_again = ChangeWish(**asked, token=shown.token)
    change_plan(subscription=subscription, wish=wish_again, actor=ACTOR)
    lines = list(InvoiceLine.objects.order_by("id")[before:])
    assert sum(line.amount_minor for line in lines) == shown.net.amount_minor
    assert sum(line.tax_minor for line in lines) == shown.tax.amount_minor
    return [line.amount_minor for line in lines]


def end_april(subscription: Subscription) -> None:
    """Close what ends with April."""
    close_due_periods(actor=ACTOR)
    set_clock(subscription.consumer_organization, MAY)
    for _pass in range(2):
        close_due_periods(actor=ACTOR)


def test_fee_in_advance_is_lowered_and_the_period_is_one_use() -> None:
    subscription = make_lowered(calls_at="1")
    add_window(subscription, at=APRIL + timedelta(days=2), calls=50)
    assert charged(subscription) == [10_000, -2_000]

    end_april(subscription)

    # April's usage is lowered too, May's fee is not: the promotion was for one period.
    assert charged(subscription) == [10_000, -2_000, 10_000, 5_000, -1_000]
    redemption = PromotionRedemption.objects.get()
    assert (redemption.periods_left, redemption.amount_given_minor) == (0, 3_000)
    use = PromotionUse.objects.get()
    assert (use.period_number, use.amount_minor) == (0, 3_000)


def test_a_change_gives_back_what_was_paid_and_lowers_the_new_fee() -> None:
    TaxRate.objects.create(country="ZW", percent=Decimal(15), valid_from=date(2020, 1, 1))
    subscription = make_lowered()
    pro = make_offer(subscription, "150")

    booked = change_on(subscription, 11, plan=pro)

    # 20 of 30 days: 66.67 less its 13.33 back, 100.00 less 20.00 charged.
    assert booked == [-6_667, 1_333, 10_000, -2_000]
    taken_back = InvoiceLine.objects.get(kind=LineKind.DISCOUNT, amount_minor=1_333)
    assert taken_back.provider_organization == subscription.provider_organization
    assert "unused days" in taken_back.description
    for line in InvoiceLine.objects.all():
        assert prove_line(line).recomputed.is_proven, line
    forged = {**(taken_back.discount or {}), "base_minor": 3_000}
    taken_back.discount = forged
    assert not prove_line(taken_back).recomputed.is_proven
    labels = [
        step.label
        for line in invoice_document(Invoice.objects.get(billing_day=date(2030, 4, 11))).lines
        for step in line.steps
    ]
    assert "Taken back with the fee: 20 percent off" in labels
    end_april(subscription)
    assert charged(subscription)[6:] == [15_000]
    assert PromotionUse.objects.get().amount_minor == 2_000 - 1_333 + 2_000


def test_a_change_on_the_first_day_to_a_free_plan_uses_nothing() -> None:
    subscription = make_lowered()
    free = make_offer(subscription, "0", name="Free")

    assert change_on(subscription, 1, plan=free) == [-10_000, 2_000]

    assert not PromotionUse.objects.exists()
    assert PromotionRedemption.objects.get().periods_left == 1


def test_a_new_interval_is_a_new_period() -> None:
    subscription = make_lowered()
    yearly = make_offer(subscription, "1200", name="Yearly", interval="year")

    assert change_on(subscription, 11, plan=yearly) == [-6_667, 1_333, 120_000]

    other = make_lowered(**FOREVER)
    yearly = make_offer(other, "1200", name="Yearly", interval="year")
    assert change_on(other, 11, plan=yearly) == [-6_667, 1_333, 120_000, -24_000]
    numbers = PromotionUse.objects.filter(redemption__subscription=other)
    assert list(numbers.values_list("period_number", "amount_minor")) == [(0, 667), (1, 24_000)]


def test_an_amount_off_is_given_once_a_period_over_all_its_bills() -> None:
    subscription = make_lowered("4", calls_at="1", **FIVE_OFF, **FOREVER)
    add_window(subscription, at=APRIL + timedelta(days=2), calls=3)
    # 10.00 off: 4.00 in advance, and the rest of 6.00 with the usage.
    assert charged(subscription) == [400, -400]

    end_april(subscription)

    assert charged(subscription)[2:] == [400, -400, 300, -300]


def test_an_amount_off_follows_the_days_of_a_change() -> None:
    subscription = make_lowered(**FIVE_OFF)
    pro = make_offer(subscription, "150")
    # 6.67 of the 10.00 go back with 20 of 30 days, and are given again.
    assert change_on(subscription, 11, plan=pro) == [-6_667, 667, 10_000, -667]
    assert PromotionUse.objects.get().amount_minor == 1_000


def test_free_units_are_the_whole_periods_over_its_parts() -> None:
    subscription = make_lowered(
        calls_at="1",
        kind=PromotionKind.FREE_UNITS,
        free_units=Decimal(40),
        meter="calls",
    )
    pro = make_offer(subscription, "100")
    pro.versions.get().components.create(
        meter="calls", name="Calls", model=PriceModel.PER_UNIT, unit_price=Decimal(2)
    )
    add_window(subscription, at=APRIL + timedelta(days=2), calls=30)
    add_window(subscription, at=APRIL + timedelta(days=12), calls=30)
    assert charged(subscription) == [10_000]
    change_on(subscription, 11, plan=pro)

    end_april(subscription)

    # 30 in the first part, the 10 that are left in the second, one use.
    discounts = InvoiceLine.objects.filter(kind=LineKind.DISCOUNT).order_by("id")
    assert [line.amount_minor for line in discounts] == [-3_000, -2_000]
    assert all(prove_line(line).recomputed.is_proven for line in discounts)
    use = PromotionUse.objects.get()
    assert (use.period_number, use.units, use.amount_minor) == (0, Decimal(40), 5_000)


def test_free_periods_free_the_fee_and_an_automatic_one_is_found_when_it_is_charged() -> None:
    subscription = make_lowered(kind=PromotionKind.FREE_PERIODS, is_automatic=True)
    assert charged(subscription) == [10_000, -10_000]
    assert Promotion.objects.get().redemption_count == 0  # a sandbox's do not count
    end_april(subscription)
    assert charged(subscription)[2:] == [10_000]


def test_a_promotion_for_some_plans_stays_with_them() -> None:
    subscription = make_lowered()
    Promotion.objects.get().plans.add(subscription.plan)
    pro = make_offer(subscription, "150")
    assert change_on(subscription, 11, plan=pro) == [-6_667, 1_333, 10_000]


def test_the_operator_gets_its_discount_back_and_the_provider_gives_its_fee_back() -> None:
    subscription = make_lowered(is_operators=True)
    change_on(subscription, 11, plan=make_offer(subscription, "30", name="Small"))
    finalize_due_drafts(actor=ACTOR)
    end_april(subscription)
    for invoice in Invoice.objects.filter(status="open"):
        mark_invoice_paid(invoice=invoice, actor=ACTOR)
    lines = InvoiceLine.objects.filter(provider_organization__isnull=True).exclude(kind="carried")
    assert sorted(lines.values_list("amount_minor", flat=True)) == [-2_000, -400, 1_333]
    # What the provider is billed for is what it gets, whoever paid it: 33.33 and 20.00 of April, 30.00 of May.
    earned = sum(
        earning.gross_minor
        for line in InvoiceLine.objects.filter(provider_organization__isnull=False)
        for earning in line.earnings.all()
    )
    waiting = CarriedCredit.objects.filter(
        used_line__isnull=True, provider_organization__isnull=False
    )
    earned -= sum(credit.amount_minor for credit in waiting)
    assert earned == 10_000 - 6_667 + 2_000 + 3_000


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    percent=st.sampled_from(["10", "33.3", "50", "100"]),
    steps=st.lists(
        st.tuples(st.integers(1, 30), st.sampled_from(["0", "33.33", "50", "149.99"])), max_size=4
    ),
)
def test_any_sequence_of_changes_costs_its_percentage_less(
    percent: str, steps: list[tuple[int, str]]
) -> None:
    subscription = make_lowered(calls_at="0.0137", percent_off=Decimal(percent), **FOREVER)
    add_window(subscription, at=APRIL + timedelta(days=9), calls=1237)
    fees = {fee for _day, fee in steps}
    plans = {fee: make_offer(subscription, fee, name=f"Fee {fee}") for fee in fees}
    current = "100"
    for day, fee in sorted(steps, key=lambda step: step[0]):
        if fee != current:
            change_on(subscription, day, plan=plans[fee])
            current = fee
    end_april(subscription)

    rows = InvoiceLine.objects.filter(period__subscription=subscription)
    whole = sum(row.amount_minor for row in rows if row.kind != LineKind.DISCOUNT)
    booked = sum(row.amount_minor for row in rows)
    assert abs(booked - whole * (1 - Decimal(percent) / 100)) <= len(rows)
    assert all(prove_line(row).recomputed.is_proven for row in rows)
    given = PromotionRedemption.objects.get(subscription=subscription)
    assert given.amount_given_minor == whole - booked
    assert given.uses.count() <= 2


def test_what_april_costs_so_far_is_what_its_invoices_will_say() -> None:
    subscription = make_lowered(calls_at="1", **FIVE_OFF)
    make_promotion(None, percent_off=Decimal(25), is_automatic=True, name="All", meter="calls")
    add_window(subscription, at=APRIL + timedelta(days=2), calls=60)
    consumer = subscription.consumer_organization
    set_clock(consumer, APRIL.replace(day=11))
    payer = actor_of(make_member("owner", organization=consumer))

    (estimate,) = estimate_periods(list(list_open_periods(payer)))
    assert [(item.name, item.amount.amount_minor) for item in estimate.discounts] == [
        ("Welcome", -1_000),
        ("All", -1_500),
    ]
    assert estimate.so_far.amount_minor == 10_000 - 1_000 + 6_000 - 1_500
    april = Period(APRIL, MAY.replace(hour=0))
    assert cost_in(subscription, april).so_far == estimate.so_far
    # What happened before a moment of the period stays what it was.
    assert (
        cost_in(subscription, Period(APRIL + timedelta(days=5), april.end)).so_far.amount_minor == 0
    )

    end_april(subscription)
    lines = InvoiceLine.objects.filter(period__number=0)
    assert sum(line.amount_minor for line in lines) == estimate.so_far.amount_minor
    assert cost_in(subscription, april).so_far == estimate.so_far


def test_a_budget_counts_cut_periods_and_coming_ones_as_they_are_billed() -> None:
    subscription = make_lowered(duration=PromotionDuration.PERIODS, duration_periods=2)
    change_on(subscription, 11, plan=make_offer(subscription, "150"))
    close_due_periods(actor=ACTOR)
    quarter = Period(APRIL, datetime(2030, 7, 1, tzinfo=UTC))

    found = cost_in(subscription, quarter)

    assert found.so_far.amount_minor == sum(charged(subscription)) == 10_666
    # May is lowered too, June is not.
    assert found.projected.amount_minor == 10_666 + 12_000 + 15_000
    end_april(subscription)
    april = Period(APRIL, MAY.replace(hour=0))
    assert cost_in(subscription, april).so_far.amount_minor == 10_666


def cost_in(subscription: Subscription, span: Period) -> SpanCost:
    """Ask what a subscription costs within a span, as a budget does."""
    at = clock.business_now(subscription.consumer_organization)
    question = CostQuestion(subscription.consumer_organization_id, span, at, "USD", subscription.pk)
    return span_costs_for([question])[question]
