"""Billing and usage in a browser: seen in three looks, scanned by axe, a call found from its invoice by clicks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from apps.accounts.models import Membership
from apps.billing.models import Invoice, Payment, PaymentMethod
from apps.billing.services.payments import record_failure, reserve_payment
from apps.core import clock
from apps.subscriptions.models import Subscription
from apps.usage.models import UsageEvent
from apps.usage.services import roll_up
from tests.browser.conftest import LOOKS, Look, watched
from tests.browser.test_catalogue import look_at, sign_in
from tests.factories.accounts import OrganizationFactory, make_member
from tests.factories.billing import (
    MONTH_START,
    SYSTEM,
    close_month,
    make_billed_subscription,
    make_calls,
    make_method,
    make_paid_invoice,
    make_running_subscription,
)
from tests.factories.direct import add_window

pytestmark = pytest.mark.django_db(transaction=True)

BILLING = "/console/billing/"


@pytest.fixture
def member(transactional_db: None) -> Membership:
    """A consumer with a running month, an open invoice whose payment failed, a paid one; a provider, too."""
    member = make_member("owner", name="Mara Okafor")
    own = member.organization
    running = make_running_subscription(consumer=own, calls=1843)
    name_it(running, "City weather")
    _fill_week(running)
    roll_up()
    make_paid_invoice(consumer=own)
    _invoice_with_calls(member)
    make_method(own, is_default=True)
    payment = reserve_payment(invoice=Invoice.objects.latest("number"), actor=SYSTEM)
    record_failure(
        payment=payment, code="card_declined", message="Your card was declined.", actor=SYSTEM
    )
    for _number in range(2):
        make_paid_invoice(consumer=OrganizationFactory(name="Harbour Foods"), provider=own)
    return member


def name_it(subscription: Subscription, name: str) -> None:
    subscription.api.name = name
    subscription.api.save()


def _fill_week(subscription: Subscription) -> None:
    """Usage by hours of the last days, and some calls of today."""
    hour = clock.now().replace(minute=0, second=0, microsecond=0)
    for back in range(6, 140, 7):
        window = add_window(subscription, at=hour - timedelta(hours=back), calls=90 + back)
        window.error_count = back % 9
        window.save()
    for number in range(12):
        at = clock.now() - timedelta(hours=2, seconds=37 * number)
        make_calls(
            subscription, at, path=f"/v1/cities/{number}/now", status=200 if number % 4 else 404
        )


def _invoice_with_calls(member: Membership) -> None:
    subscription = make_billed_subscription(consumer=member.organization)
    name_it(subscription, "Exchange rates")
    start = MONTH_START + timedelta(days=4)
    make_calls(
        subscription, *(start + timedelta(minutes=7 * step) for step in range(80)), path="/v1/rates"
    )
    add_window(subscription, at=MONTH_START + timedelta(days=9), calls=6400)
    close_month(subscription)


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_billing_pages(
    look: Look,
    member: Membership,
    live_server: object,
    open_context: Callable[..., BrowserContext],
    find_violations: Callable[[Page], list[str]],
    artifacts: Path,
) -> None:
    context = open_context(look)
    sign_in(context, member, str(live_server))
    page = watched(context.new_page())
    invoice = Payment.objects.get().invoice
    line = invoice.lines.get(kind="usage")
    api = member.organization.apis.first()
    method = PaymentMethod.objects.get()
    pages = {
        "billing": BILLING,
        "invoice": f"{BILLING}invoices/{invoice.public_id}/",
        "line": f"{BILLING}lines/{line.public_id}/",
        "earnings": "/console/provider/earnings/",
        "usage": "/console/usage/",
        "calls": "/console/usage/calls/",
        "call": f"/console/usage/calls/{UsageEvent.objects.earliest('occurred_at').event_id}/",
        "remove-card": f"{BILLING}payment-methods/{method.public_id}/remove",
        "provider-usage": "/console/provider/usage/",
        "provider-api": f"/console/provider/usage/{api.public_id}/",
    }
    for name, path in pages.items():
        look_at(page, path, name, look, artifacts, find_violations)
    page.goto(pages["invoice"])
    page.get_by_text("How this amount was calculated").last.click()
    page.screenshot(path=artifacts / f"invoice-open-{look.name}.png", full_page=True)
    assert find_violations(page) == []


def test_call_is_found_from_its_invoice_in_three_clicks(
    member: Membership, live_server: object, open_context: Callable[..., BrowserContext]
) -> None:
    context = open_context()
    sign_in(context, member, str(live_server))
    page = watched(context.new_page())
    page.goto(f"{BILLING}invoices/{Payment.objects.get().invoice.public_id}/")

    page.get_by_text("How this amount was calculated").last.click()
    page.get_by_role("link", name="The hours and calls behind it").last.click()
    page.get_by_role("link", name="GET /v1/rates").first.click()

    expect(page.get_by_text("Counts towards the quota and the bill.")).to_be_visible()
