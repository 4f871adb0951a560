"""Fees in advance: charged when the period opens, left out when it closes, proven like any line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.accounts.models import Organization
from apps.billing.enums import LineKind, RunKind
from apps.billing.models import BillingPeriod, CarriedCredit, Invoice, InvoiceLine, RatingRun
from apps.billing.proofs import prove_line
from apps.billing.services.carrying import settle_credits
from apps.billing.services.drafts import add_up
from apps.billing.services.invoices import finalize_invoice
from apps.billing.services.periods import close_due_periods, open_first_period
from apps.core.actors import Actor
from apps.pricing.enums import PriceModel
from apps.subscriptions.enums import SubscriptionStatus
from apps.subscriptions.models import Subscription
from tests.factories.accounts import OrganizationFactory
from tests.factories.direct import add_graduated_price, add_window, make_subscription_row

pytestmark = pytest.mark.django_db

START = datetime(2026, 1, 1, tzinfo=UTC)
ACTOR = Actor.system("test")


def make_prepaid(**fields: Any) -> Subscription:
    """Since 1 January: 30.00 in advance, 10.00 and calls at the end."""
    subscription = make_subscription_row(
        consumer=OrganizationFactory(), **{"anchor": START, "started_at": START, **fields}
    )
    add_graduated_price(subscription)
    subscription.price_version.components.create(
        meter="seat",
        name="Seat",
        model=PriceModel.FLAT,
        flat_fee=Decimal(30),
        billed_in_advance=True,
        position=3,
    )
    return subscription


def test_fee_in_advance_is_charged_at_the_start_and_not_again_at_the_end() -> None:
    subscription = make_prepaid()
    add_window(subscription, at=START + timedelta(days=3), calls=1500)

    open_first_period(subscription=subscription, at=START)
    close_due_periods(actor=ACTOR)

    first, second = Invoice.objects.order_by("billing_day")[:2]
    assert [line.amount_minor for line in first.lines.all()] == [3000]
    assert str(first.billing_day) == "2026-01-01"
    # The next period's fee comes with the old period's usage.
    assert str(second.billing_day) == "2026-02-01"
    assert sorted(line.amount_minor for line in second.lines.all()) == [500, 1000, 3000]
    kinds = RatingRun.objects.filter(period__number=0).order_by("number")
    assert [run.kind for run in kinds] == [RunKind.ADVANCE, RunKind.CLOSING]
    line = InvoiceLine.objects.select_related("charge__run", "period__price_version").get(
        pk=first.lines.get().pk
    )
    assert prove_line(line).recomputed.is_proven


def test_a_period_without_charges_leaves_no_empty_invoice() -> None:
    subscription = make_prepaid(
        status=SubscriptionStatus.CANCELLED, ended_at=START + timedelta(days=9)
    )
    subscription.price_version.components.exclude(meter="seat").delete()

    open_first_period(subscription=subscription, at=START)
    close_due_periods(actor=ACTOR)

    assert not BillingPeriod.objects.exclude(status="closed").exists()
    assert [invoice.lines.count() for invoice in Invoice.objects.all()] == [1]


def test_opening_again_charges_once() -> None:
    subscription = make_prepaid()

    open_first_period(subscription=subscription, at=START)
    open_first_period(subscription=subscription, at=START)

    assert InvoiceLine.objects.count() == 1


def test_trial_pays_nothing_in_advance() -> None:
    subscription = make_prepaid(status=SubscriptionStatus.TRIALING)

    open_first_period(subscription=subscription, at=START)

    assert not InvoiceLine.objects.exists()


def test_quantity_multiplies_fees_and_free_units() -> None:
    subscription = make_prepaid(quantity=3)

    open_first_period(subscription=subscription, at=START)

    line = InvoiceLine.objects.get()
    assert line.amount_minor == 9000
    assert line.description.endswith("Seat × 3")


def test_no_period_and_no_fee_follow_an_end_that_is_due() -> None:
    subscription = make_prepaid()
    open_first_period(subscription=subscription, at=START)
    period = BillingPeriod.objects.get()
    Subscription.objects.filter(pk=subscription.pk).update(ends_at=period.period_end)

    close_due_periods(actor=ACTOR)

    assert BillingPeriod.objects.count() == 1


@pytest.mark.parametrize("tax", [0, 20])
def test_credit_beyond_an_invoice_is_carried_to_the_next_ones(tax: int) -> None:
    consumer = OrganizationFactory()
    first = make_draft(consumer, "2026-01-01", [2000, -6667], tax)
    second = make_draft(consumer, "2026-02-01", [3000], tax)
    third = make_draft(consumer, "2026-03-01", [3000], tax)

    for invoice in (first, second, third):
        finalize_invoice(invoice=invoice, actor=ACTOR)
        invoice.refresh_from_db()

    owed = [invoice.total_minor for invoice in (first, second, third)]
    whole = sum(line.amount_minor + line.tax_minor for line in all_lines(consumer))
    assert owed[:2] == [0, 0]
    assert owed[2] == sum(owed) == whole == round((2000 - 6667 + 3000 + 3000) * (100 + tax) / 100)
    carried = InvoiceLine.objects.filter(kind=LineKind.CARRIED)
    assert sum(line.amount_minor for line in carried) == 0
    assert sum(line.tax_minor for line in carried) == 0
    assert not CarriedCredit.objects.filter(used_line__isnull=True).exists()


def test_carried_credit_of_another_currency_waits() -> None:
    consumer = OrganizationFactory()
    finalize_invoice(invoice=make_draft(consumer, "2026-01-01", [-500], 0), actor=ACTOR)
    other = make_draft(consumer, "2026-02-01", [900], 0, currency="EUR")

    assert not settle_credits(other)
    assert CarriedCredit.objects.get().used_line is None


def make_draft(
    consumer: Organization, day: str, amounts: list[int], tax: int, currency: str = "USD"
) -> Invoice:
    """Insert a draft with lines that have no charge behind them."""
    invoice = Invoice.objects.create(organization=consumer, currency=currency, billing_day=day)
    for position, amount in enumerate(amounts, start=1):
        InvoiceLine.objects.create(
            invoice=invoice,
            consumer_organization=consumer,
            kind=LineKind.CREDIT if amount < 0 else LineKind.FEE,
            position=position,
            description="Fee",
            quantity=1,
            amount_minor=amount,
            tax_percent=tax,
            tax_minor=int(Decimal(amount * tax / 100).quantize(Decimal(1), "ROUND_HALF_UP")),
            currency=currency,
        )
    add_up([invoice])
    return invoice


def all_lines(consumer: Organization) -> list[InvoiceLine]:
    """Return every line of the account."""
    return list(InvoiceLine.objects.filter(consumer_organization=consumer))
