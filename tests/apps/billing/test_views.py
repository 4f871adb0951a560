"""The billing pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlparse

import httpx
import pytest
from django.test import Client

from apps.accounts.models import Membership
from apps.billing.models import BillingAccount, Invoice, Payment, PaymentMethod
from apps.core import clock
from apps.core.formatting import format_day
from apps.core.relay import drain_until_empty
from apps.notifications.models import Notification
from tests.clients import client_for
from tests.deploy.conftest import StripeSystem
from tests.factories.accounts import OrganizationFactory, make_member, make_staff
from tests.factories.billing import (
    MONTH_START,
    close_month,
    make_billed_subscription,
    make_calls,
    make_invoice,
    make_method,
    make_paid_invoice,
    make_running_subscription,
)

pytestmark = pytest.mark.django_db

HOME = "/console/billing/"


@pytest.fixture
def owner() -> Membership:
    return make_member("owner")


@pytest.fixture
def browser(owner: Membership) -> Client:
    return client_for(owner)


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


class TestHome:
    """The overview."""

    def test_empty_page_teaches_the_next_step(self, browser: Client) -> None:
        text = text_of(browser.get(HOME))

        assert "Nothing to pay" in text
        assert "No invoices here" in text
        assert "No card saved" in text
        assert "Add a card" in text

    def test_answers_what_is_next_and_what_is_open(
        self, browser: Client, owner: Membership
    ) -> None:
        make_running_subscription(consumer=owner.organization, calls=1500)
        invoice = make_invoice(consumer=owner.organization)
        Invoice.objects.filter(pk=invoice.pk).update(due_at=clock.now() - timedelta(days=1))

        text = text_of(browser.get(HOME))

        # 15.00 of the running period and the base fee of February, which ended but is not closed yet.
        assert "$25.00 so far" in text
        assert "$50.00 is open on 1 invoice." in text
        assert "$50.00 on 1 invoice is past due." in text
        assert "INV-000001" in text
        assert "Overdue" in text

    @pytest.mark.parametrize("count", [1, 3])
    def test_takes_the_same_queries_for_any_number(
        self, owner: Membership, count: int, django_assert_num_queries: Any
    ) -> None:
        for _number in range(count):
            make_running_subscription(consumer=owner.organization, calls=10)
            make_invoice(consumer=owner.organization)
            make_method(owner.organization)
        browser = client_for(owner)
        browser.get(HOME)

        with django_assert_num_queries(26):
            assert browser.get(HOME).status_code == 200

    def test_shows_one_status(self, browser: Client, owner: Membership) -> None:
        make_paid_invoice(consumer=owner.organization)
        open_one = make_invoice(consumer=owner.organization)

        text = text_of(browser.get(HOME, {"status": "open"}))

        assert open_one.number is not None
        assert open_one.number in text
        assert "INV-000001" not in text

    def test_of_other_tenants_nothing_is_shown(self, browser: Client) -> None:
        make_invoice()
        make_method(OrganizationFactory())

        text = text_of(browser.get(HOME))

        assert "INV-" not in text
        assert "4242" not in text

    def test_person_of_the_operator_sees_only_the_own_organization(self) -> None:
        make_invoice()
        staff = make_staff("finance")
        member = make_member("owner")
        member.user = staff
        member.save()

        assert "INV-" not in text_of(client_for(member).get(HOME))

    @pytest.mark.parametrize("role", ["developer", "viewer"])
    def test_is_not_for_every_role(self, role: str) -> None:
        assert client_for(make_member(role)).get(HOME).status_code == 403

    def test_tax_details_are_saved(self, browser: Client, owner: Membership) -> None:
        form = {"legal_name": "Acme Ltd", "address": "1 Road", "tax_id": "DE1"}

        answer = browser.post("/console/billing/details/", form)

        assert (answer.status_code, answer.headers["Location"]) == (302, HOME)
        account = BillingAccount.objects.get(organization=owner.organization)
        assert (account.legal_name, account.tax_id) == ("Acme Ltd", "DE1")

    def test_tax_details_without_a_name_are_refused(self, browser: Client) -> None:
        answer = browser.post("/console/billing/details/", {"legal_name": ""})

        assert answer.status_code == 422
        assert "Please correct" in text_of(answer)


class TestInvoice:
    """An invoice's page."""

    def test_lines_unfold_to_their_calculation(self, browser: Client, owner: Membership) -> None:
        invoice = make_invoice(consumer=owner.organization)

        text = text_of(browser.get(f"/console/billing/invoices/{invoice.public_id}/"))

        assert "Invoice INV-000001" in text
        assert "$50.00" in text
        assert "4,000 × $0.01" in text
        calls = invoice.lines.get(kind="usage")
        assert f"/console/billing/lines/{calls.public_id}/" in text
        assert "Add a card to pay" in text

    def test_writes_every_day_in_one_way(self, browser: Client, owner: Membership) -> None:
        invoice = make_invoice(consumer=owner.organization)
        assert invoice.due_at
        assert invoice.issued_at
        due, issued = format_day(invoice.due_at), format_day(invoice.issued_at)

        text = text_of(browser.get(f"/console/billing/invoices/{invoice.public_id}/"))

        assert f"<dt>Due</dt><dd>{due}</dd>" in text
        assert f">{due}</time>." in text
        assert f"<dd>{issued}</dd>" in text

    @pytest.mark.parametrize("count", [1, 3])
    def test_takes_the_same_queries_for_any_number_of_lines(
        self, owner: Membership, count: int, django_assert_num_queries: Any
    ) -> None:
        invoice = make_invoice(consumer=owner.organization)
        for number in range(1, count):
            line = invoice.lines.get(kind="usage", position=2)
            line.pk, line.charge, line.position = None, None, 2 + number
            line._state.adding = True
            line.save()
        browser = client_for(owner)
        page = f"/console/billing/invoices/{invoice.public_id}/"
        browser.get(page)

        with django_assert_num_queries(15):
            answer = browser.get(page)

        assert answer.status_code == 200

    def test_pdf_is_downloaded(self, browser: Client, owner: Membership) -> None:
        invoice = make_invoice(consumer=owner.organization)
        answer = browser.get(f"/console/billing/invoices/{invoice.public_id}/pdf")
        assert answer.headers["Content-Type"] == "application/pdf"
        assert answer.content.startswith(b"%PDF")

    def test_payment_is_made_and_shown(
        self,
        browser: Client,
        owner: Membership,
        payments: StripeSystem,
        deliver_webhooks: Callable[[], list[int]],
    ) -> None:
        make_card(browser, payments)
        invoice = make_invoice(consumer=owner.organization)
        page = f"/console/billing/invoices/{invoice.public_id}/"
        assert "Pay $50.00" in text_of(browser.get(page))

        answer = browser.post(f"{page}pay", follow=True)

        assert "The payment is under way" in text_of(answer)
        deliver_webhooks()
        drain_until_empty()
        text = text_of(browser.get(page))
        assert Payment.objects.get().provider_reference in text
        assert "Paid in full" in text
        assert "Pay $50.00" not in text
        kinds = set(Notification.objects.values_list("kind", flat=True))
        assert kinds == {"billing.invoice_issued", "billing.invoice_paid"}

    def test_other_tenants_pages_do_not_exist(self, browser: Client) -> None:
        invoice = make_invoice()
        line = invoice.lines.all()[0]
        page = f"/console/billing/invoices/{invoice.public_id}/"
        assert browser.get(page).status_code == 404
        assert browser.get(f"{page}pdf").status_code == 404
        assert browser.post(f"{page}pay").status_code == 404
        assert browser.get(f"/console/billing/lines/{line.public_id}/").status_code == 404


class TestLine:
    """The proof of a line."""

    def test_shows_hours_and_calls_behind_the_amount(
        self, browser: Client, owner: Membership
    ) -> None:
        subscription = make_billed_subscription(consumer=owner.organization)
        (event_id,) = make_calls(subscription, MONTH_START + timedelta(days=2), path="/v1/cities")
        line = close_month(subscription).lines.get(kind="usage")

        text = text_of(browser.get(f"/console/billing/lines/{line.public_id}/"))

        assert "the same amount" in text
        assert "1 in 1 hours" in text
        assert f"/console/usage/calls/{event_id}/" in text
        assert "GET /v1/cities" in text

    def test_line_by_hand_says_so(self, browser: Client, owner: Membership) -> None:
        invoice = make_invoice(consumer=owner.organization)
        line = invoice.lines.get(kind="usage")
        line.charge = None
        line.save()

        text = text_of(browser.get(f"/console/billing/lines/{line.public_id}/"))

        assert "booked by hand" in text


class TestMethods:
    """Cards."""

    def test_payer_enters_a_card_and_comes_back(
        self, browser: Client, owner: Membership, payments: StripeSystem
    ) -> None:
        back = make_card(browser, payments)

        assert back.redirect_chain[-1][0] == HOME
        assert "is saved and used from now on" in text_of(back)
        method = PaymentMethod.objects.get()
        assert (method.organization_id, method.last_four) == (owner.organization_id, "4242")
        assert method.is_default

    def test_session_of_another_tenant_saves_nothing(
        self, browser: Client, payments: StripeSystem
    ) -> None:
        customer, _card = payments.customer_with_card()
        session = payments.v1.checkout.sessions.create(
            {
                "mode": "setup",
                "currency": "usd",
                "customer": customer,
                "success_url": "http://x.test",
            }
        )

        browser.get("/console/billing/payment-methods/added", {"session": session.id})

        assert not PaymentMethod.objects.exists()

    def test_removal_asks_first(self, browser: Client, owner: Membership) -> None:
        method = make_method(owner.organization, is_default=True)
        page = f"/console/billing/payment-methods/{method.public_id}/remove"

        assert "Remove Visa …4242?" in text_of(browser.get(page))
        assert PaymentMethod.objects.get().detached_at is None
        browser.post(page)

        assert PaymentMethod.objects.get().detached_at is not None


class TestEarnings:
    """The provider's page."""

    def test_answers_what_is_coming(self, browser: Client, owner: Membership) -> None:
        make_paid_invoice(consumer=OrganizationFactory(), provider=owner.organization)

        text = text_of(browser.get("/console/provider/earnings/"))

        assert "Another $40.00 becomes payable" in text
        assert "$32.00" in text
        assert "keeps 20 % of the line" in text

    @pytest.mark.parametrize("count", [1, 3])
    def test_takes_the_same_queries_for_any_number(
        self, owner: Membership, count: int, django_assert_num_queries: Any
    ) -> None:
        for _number in range(count):
            make_paid_invoice(consumer=OrganizationFactory(), provider=owner.organization)
        browser = client_for(owner)
        browser.get("/console/provider/earnings/")

        with django_assert_num_queries(9):
            assert browser.get("/console/provider/earnings/").status_code == 200

    def test_empty_page_teaches_the_next_step(self, browser: Client) -> None:
        assert "Nothing earned yet" in text_of(browser.get("/console/provider/earnings/"))


def make_card(browser: Client, payments: StripeSystem) -> Any:
    """Enter a card on the hosted page and follow it back."""
    page = browser.post("/console/billing/payment-methods/add").headers["Location"]
    assert page.startswith(payments.server.url)
    card = {"number": "4242424242424242", "expiry": "12 / 34", "cvc": "123"}
    back = urlparse(httpx.post(page, data=card, trust_env=False).headers["Location"])
    return browser.get(f"{back.path}?{back.query}", follow=True)
