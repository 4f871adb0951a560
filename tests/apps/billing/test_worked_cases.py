"""Worked cases of what is given back and what credits pay, run through quotes, refunds and invoices."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from apps.billing.enums import InvoiceStatus, LineKind
from apps.billing.models import CarriedCredit, Invoice, InvoiceLine, Refund
from apps.billing.services.carrying import settle_credits
from apps.billing.services.drafts import add_up
from apps.billing.services.periods import open_first_period
from apps.core.actors import Actor
from apps.core.money import Money, sum_money
from apps.pricing.models import TaxRate
from apps.subscriptions.cancellation_quotes import quote_cancellation
from apps.subscriptions.change_quotes import quote_change
from apps.subscriptions.change_terms import Terms
from apps.subscriptions.enums import ChangeTiming
from apps.subscriptions.models import Subscription
from apps.subscriptions.periods import start_of_day
from apps.subscriptions.services import cancel_subscription
from tests.apps.billing.test_cancellation_refunds import settle_everything
from tests.factories.accounts import OrganizationFactory
from tests.factories.direct import make_subscription_row
from tests.factories.plan_changes import add_fee, make_offer, make_paying, set_clock
from tests.vectors import load, vectors

pytestmark = pytest.mark.django_db

ACTOR = Actor.system("test")
PAID = [case for case in load("credit_note_unused") if "paid_for_fee" in case["input"]]


def money(text: str) -> Money:
    return Money.from_decimal(Decimal(text), "USD")


def paying(given: dict[str, Any]) -> Subscription:
    """Make a subscription whose fee of the case's period was charged in advance, with the case's tax."""
    zone = given["timezone"]
    consumer = OrganizationFactory(timezone=zone)
    percent = Decimal(given["tax_percent"])
    TaxRate.objects.create(country=consumer.country, percent=percent, valid_from=date(2020, 1, 1))
    start = start_of_day(date.fromisoformat(given["period_first_day"]), zone)
    subscription = make_subscription_row(
        consumer=consumer, anchor=start, started_at=start, timezone=zone
    )
    add_fee(subscription.price_version, given["plan_amount"])
    open_first_period(subscription=subscription, at=start)
    return Subscription.objects.get(pk=subscription.pk)


@vectors("credit_note_unused")
def test_unused_days_are_given_back_with_their_tax(kind: str, vector: dict[str, Any]) -> None:
    given, expected = vector["input"], vector["expected"]
    subscription = paying(given)
    at = datetime.fromisoformat(given["ended_at"])

    if given["by"] == "upgrade":
        version = make_offer(subscription, "999").versions.get()
        quote = quote_change(subscription, Terms(version, 1), at=at, timing=ChangeTiming.NOW)
        credit = next(line for line in quote.lines if line.is_credit)
        days, net = credit.billed_days, -credit.amount("USD")
        tax = Money.from_decimal(net.amount * Decimal(given["tax_percent"]) / 100, "USD")
    else:
        cancellation = quote_cancellation(subscription, at=at)
        days = sum(part.fee.billed_days for part in cancellation.parts)
        net, tax = cancellation.net, cancellation.tax

    assert days == expected["unused_days"]
    assert (net, tax) == (money(expected["items"]), money(expected["tax"]))
    assert net + tax == money(expected["total"])


@pytest.mark.parametrize("vector", PAID, ids=lambda vector: vector["id"])
def test_what_was_paid_goes_back_as_money_and_nothing_as_credit(vector: dict[str, Any]) -> None:
    given, expected = vector["input"], vector["expected"]
    # A test clock cannot stand in the past: the same days, some years later.
    start, at = (
        datetime.fromisoformat(text).replace(year=2030)
        for text in (f"{given['period_first_day']}T00:00:00Z", given["ended_at"])
    )
    consumer = OrganizationFactory(is_sandbox=True)
    TaxRate.objects.create(
        country=consumer.country, percent=Decimal(given["tax_percent"]), valid_from=date(2020, 1, 1)
    )
    subscription = make_paying(given["plan_amount"], start=start, consumer=consumer)
    settle_everything()
    assert Invoice.objects.get().total_minor == money(given["paid_for_fee"]).amount_minor

    set_clock(consumer, at)
    cancel_subscription(
        subscription=Subscription.objects.get(pk=subscription.pk), actor=ACTOR, reason=""
    )

    refunds = sum_money((refund.amount for refund in Refund.objects.all()), "USD")
    assert refunds == money(expected["refund"])
    credited = InvoiceLine.objects.filter(kind=LineKind.CREDIT)
    assert (
        -sum(line.amount_minor + line.tax_minor for line in credited)
        == money(expected["credit"]).amount_minor
    )


@vectors("settlement")
def test_credits_of_earlier_invoices_come_off_after_tax(kind: str, vector: dict[str, Any]) -> None:
    """A credit of an earlier invoice is what a credit note is in the case."""
    given, expected = vector["input"], vector["expected"]
    earlier = make_paying("1")
    line = InvoiceLine.objects.get(period__subscription=earlier)
    for text in given["credit_notes"]:
        CarriedCredit.objects.create(
            organization=earlier.consumer_organization,
            provider_organization=earlier.provider_organization,
            from_line=line,
            amount_minor=money(text).amount_minor,
            tax_minor=0,
            tax_percent=0,
            currency="USD",
        )
    paying_now = make_paying(
        given["invoice_total"],
        consumer=earlier.consumer_organization,
        start=earlier.anchor.replace(day=2),
    )
    invoice = Invoice.objects.get(
        status=InvoiceStatus.DRAFT, lines__period__subscription=paying_now
    )

    with transaction.atomic():
        settle_credits(invoice)
        add_up([invoice])

    invoice.refresh_from_db()
    assert invoice.total_minor == money(expected["amount_due"]).amount_minor
    used = [-row.amount_minor for row in invoice.lines.filter(kind=LineKind.CARRIED)]
    assert used == [money(text).amount_minor for text in expected["credit_notes_used"]]
