"""Invoices and what belongs to them.

`make_invoice()` walks a real month: a subscription with usage, closed, rated and issued. `make_calls` sends usage
through the real intake, so that calls, windows and keys agree.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from apps.accounts.models import Organization
from apps.billing.enums import PaymentProvider, PaymentStatus
from apps.billing.models import BillingPeriod, Invoice, Payment, PaymentMethod
from apps.billing.services.invoices import mark_invoice_paid
from apps.billing.services.periods import begin_closing, close_period, finish_closing
from apps.billing.services.periods import open_first_period as open_period
from apps.core import clock
from apps.core.actors import Actor
from apps.subscriptions.models import Subscription
from apps.usage.ingestion import accept_batch
from apps.usage.processing import process_next_batch
from tests.factories.direct import add_graduated_price, add_window, make_subscription_row
from tests.factories.usage import PLATFORM, make_event

SYSTEM: Final = Actor.system("tests")
MONTH_START: Final = datetime(2025, 1, 1, tzinfo=UTC)


def make_billed_subscription(
    *, consumer: Organization | None = None, provider: Organization | None = None, **fields: Any
) -> Subscription:
    """Make a subscription since 1 January with a graduated price and its first period open."""
    fields = {"anchor": MONTH_START, "started_at": MONTH_START, **fields}
    subscription = make_subscription_row(consumer=consumer, provider=provider, **fields)
    add_graduated_price(subscription)
    open_period(subscription=subscription, at=subscription.anchor)
    return subscription


def make_running_subscription(*, consumer: Organization, calls: int = 0) -> Subscription:
    """Make a subscription that began yesterday, so that its first period runs, with calls today."""
    began = clock.now() - timedelta(days=1)
    subscription = make_billed_subscription(consumer=consumer, anchor=began, started_at=began)
    hour = clock.now().replace(minute=0, second=0, microsecond=0)
    if calls:
        add_window(subscription, at=hour, calls=calls)
    return subscription


def make_invoice(
    *, consumer: Organization | None = None, provider: Organization | None = None, calls: int = 5000
) -> Invoice:
    """Make an issued invoice of January: a base fee of 10.00 and calls (5 000 are 40.00)."""
    subscription = make_billed_subscription(consumer=consumer, provider=provider)
    add_window(subscription, at=MONTH_START + timedelta(days=3), calls=calls)
    return close_month(subscription)


def make_paid_invoice(*, consumer: Organization, provider: Organization | None = None) -> Invoice:
    """Make a paid invoice of January, with its providers' earnings."""
    return mark_invoice_paid(
        invoice=make_invoice(consumer=consumer, provider=provider), actor=SYSTEM
    )


def make_settled_invoice(
    *, consumer: Organization, provider: Organization | None = None
) -> Invoice:
    """Make a paid invoice of January with the payment that settled it, which no payment provider knows."""
    invoice = make_paid_invoice(consumer=consumer, provider=provider)
    Payment.objects.create(
        organization=consumer,
        invoice=invoice,
        provider=PaymentProvider.STRIPE,
        provider_reference=f"pi_test{Payment.objects.count() + 1}",
        status=PaymentStatus.SUCCEEDED,
        amount_minor=invoice.total_minor,
        currency=invoice.currency,
        completed_at=clock.now(),
    )
    return invoice


def close_month(subscription: Subscription) -> Invoice:
    """Close the subscription's oldest period and issue its invoice."""
    period = BillingPeriod.objects.filter(subscription=subscription).earliest("number")
    begin_closing(period=period, actor=SYSTEM)
    close_period(period=period, actor=SYSTEM)
    finish_closing(actor=SYSTEM)
    return Invoice.objects.filter(lines__period=period).distinct().get()


def make_method(organization: Organization, *, is_default: bool = False) -> PaymentMethod:
    """Insert a saved card."""
    number = PaymentMethod.objects.count() + 1
    return PaymentMethod.objects.create(
        organization=organization,
        provider=PaymentProvider.STRIPE,
        provider_reference=f"pm_test{number}",
        brand="visa",
        last_four="4242",
        expires_month=12,
        expires_year=2034,
        is_default=is_default,
    )


def make_calls(subscription: Subscription, *times: datetime, **fields: Any) -> list[str]:
    """Send one call per time through intake and processing; return their ids."""
    events = [make_event(subscription, occurred_at=at, **fields) for at in times]
    send_events(events)
    return [event["id"] for event in events]


def send_events(events: list[dict[str, Any]]) -> None:
    """Send calls through intake and processing."""
    body = json.dumps({"events": events}).encode()
    accept_batch(body=body, batch_key="", actor=PLATFORM)
    while process_next_batch():
        pass
