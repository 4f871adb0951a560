"""Refunds in a browser: asked for, shown and documented, seen in three looks and scanned by axe."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import BrowserContext, Page, expect

from apps.accounts.models import Membership
from apps.approvals.models import ApprovalRequest
from apps.billing.models import CreditNote, Refund
from apps.billing.services.refunds import request_refund
from apps.core.money import Money
from tests.apps.billing.test_credit_notes import give_back
from tests.browser.conftest import LOOKS, Look, watched
from tests.browser.test_catalogue import look_at, sign_in
from tests.factories.accounts import OrganizationFactory, actor_of, make_member, make_staff
from tests.factories.billing import make_settled_invoice

pytestmark = pytest.mark.django_db(transaction=True)

REASON = "The forecasts were empty on Monday between 10:00 and 14:00."


@pytest.fixture
def member(transactional_db: None) -> Membership:
    """A consumer and provider with a refund that waits, one that is paid, and earnings taken back."""
    member = make_member("owner", name="Mara Okafor")
    invoice = make_settled_invoice(consumer=member.organization)
    give_back(invoice, 1250)
    request_refund(invoice=invoice, reason=REASON, amount=Money(700, "USD"), actor=actor_of(member))
    sold = make_settled_invoice(
        consumer=OrganizationFactory(name="Harbour Foods"), provider=member.organization
    )
    give_back(sold, 999)
    return member


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_refund_pages(
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
    other = make_settled_invoice(consumer=member.organization)
    note = CreditNote.objects.get(organization=member.organization)
    pages = {
        "refund-invoice": f"/console/billing/invoices/{note.invoice.public_id}/",
        "refund-ask": f"/console/billing/invoices/{other.public_id}/refund",
        "refund-note": f"/console/billing/credit-notes/{note.public_id}/",
        "refund-earnings": "/console/provider/earnings/",
    }
    for name, path in pages.items():
        look_at(page, path, name, look, artifacts, find_violations)


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_review_page(
    look: Look,
    member: Membership,
    settings: object,
    live_server: object,
    open_context: Callable[..., BrowserContext],
    find_violations: Callable[[Page], list[str]],
    artifacts: Path,
) -> None:
    settings.REQUIRE_STAFF_MFA = False  # type: ignore[attr-defined]  # pytest-django's
    context = open_context(look)
    sign_in(context, make_staff("approver", "finance"), str(live_server))
    page = watched(context.new_page())
    request = ApprovalRequest.objects.get(status="pending")
    path = reverse("admin:approvals_approvalrequest_change", args=[request.pk])
    look_at(page, path, "refund-review", look, artifacts, find_violations)
    listing = reverse("admin:billing_refund_changelist")
    look_at(page, listing, "refund-list", look, artifacts, find_violations)


def test_refund_is_asked_for_by_keyboard(
    member: Membership, live_server: object, open_context: Callable[..., BrowserContext]
) -> None:
    invoice = make_settled_invoice(consumer=member.organization)
    context = open_context()
    sign_in(context, member, str(live_server))
    page = watched(context.new_page())
    page.goto(f"/console/billing/invoices/{invoice.public_id}/")
    page.get_by_role("link", name="Ask for a refund").press("Enter")
    page.get_by_label("Amount in USD").fill("12.50")
    page.get_by_label("Reason").fill(REASON)
    page.get_by_role("button", name="Ask for a refund").press("Enter")

    expect(page.get_by_text("Waiting for approval")).to_be_visible()
    assert Refund.objects.get(invoice=invoice).amount_minor == 1250
