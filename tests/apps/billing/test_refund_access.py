"""Refunds over REST, in pages and in the back office: who reaches what, with how many queries; two at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Membership
from apps.approvals.models import ApprovalRequest
from apps.billing.enums import RefundStatus
from apps.billing.models import CreditNote, Invoice, Payment, Refund
from apps.billing.services.refunds import request_refund
from apps.core.attention import attention_items
from apps.core.models import OutboxMessage
from apps.core.money import Money
from tests.apps.billing.test_credit_notes import give_back
from tests.clients import api_client, client_for
from tests.factories.accounts import OrganizationFactory, actor_of, make_member, make_staff
from tests.factories.billing import SYSTEM, make_settled_invoice

pytestmark = pytest.mark.django_db

BILLING = "/api/v1/billing"
ADMIN = "/api/v1/admin/billing/refunds"


@pytest.fixture
def owner() -> Membership:
    return make_member("owner")


@pytest.fixture
def invoice(owner: Membership) -> Invoice:
    return make_settled_invoice(consumer=owner.organization)


def usd(minor: int) -> dict[str, Any]:
    return {"amount_minor": minor, "currency": "USD"}


class TestRest:
    """The payer's and finance's endpoints."""

    def test_same_key_asks_once(self, owner: Membership, invoice: Invoice) -> None:
        rest = api_client(owner)
        path = f"{BILLING}/invoices/{invoice.public_id}/refund-requests"
        body = {"amount": usd(1250), "reason": "The API was down."}

        first = rest.post(path, body, format="json", headers={"Idempotency-Key": "one"})
        again = rest.post(path, body, format="json", headers={"Idempotency-Key": "one"})
        other = rest.post(path, body, format="json")

        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json() == again.json()
        assert (first.json()["status"], first.json()["amount"]) == ("requested", usd(1250))
        assert (other.status_code, other.json()["code"]) == (409, "refund_under_way")
        assert Refund.objects.count() == ApprovalRequest.objects.count() == 1

    @pytest.mark.parametrize(
        ("body", "status", "field"),
        [
            ({"reason": "x", "amount": usd(5001)}, 422, "amount"),
            ({"reason": "x", "amount": usd(0)}, 400, "amount"),
            ({"reason": "x", "amount": 12.5}, 400, "amount"),
            ({"reason": "x", "amount": {"amount_minor": 5, "currency": "EUR"}}, 400, "amount"),
            ({"amount": usd(5)}, 400, "reason"),
            ({"reason": "x" * 1001}, 400, "reason"),
        ],
    )
    def test_bad_input_names_its_field(
        self, owner: Membership, invoice: Invoice, body: dict[str, Any], status: int, field: str
    ) -> None:
        path = f"{BILLING}/invoices/{invoice.public_id}/refund-requests"
        answer = api_client(owner).post(path, body, format="json")
        assert answer.status_code == status
        assert field in str(answer.json()["errors"] if "errors" in answer.json() else answer.json())
        assert not Refund.objects.exists()

    def test_other_tenants_see_nothing(self, invoice: Invoice) -> None:
        refund = give_back(invoice, 100)
        note = CreditNote.objects.get()
        stranger = api_client(make_member("owner"))
        for path in (
            f"{BILLING}/refunds/{refund.public_id}",
            f"{BILLING}/credit-notes/{note.public_id}",
            f"{BILLING}/credit-notes/{note.public_id}/pdf",
        ):
            assert stranger.get(path).status_code == 404
        for path in (
            f"{BILLING}/refunds/{refund.public_id}/cancel",
            f"{BILLING}/invoices/{invoice.public_id}/refund-requests",
        ):
            assert stranger.post(path, {"reason": "x"}, format="json").status_code == 404
        for name in ("refunds", "credit-notes"):
            assert stranger.get(f"{BILLING}/{name}").json()["data"] == []

    @pytest.mark.parametrize("count", [1, 3])
    @pytest.mark.parametrize("name", ["refunds", "credit-notes"])
    def test_lists_take_the_same_queries(
        self,
        owner: Membership,
        invoice: Invoice,
        name: str,
        count: int,
        django_assert_num_queries: Any,
    ) -> None:
        for number in range(count):
            give_back(invoice, 100 + number)
        rest = api_client(owner)
        with django_assert_num_queries(1):
            rows = rest.get(f"{BILLING}/{name}").json()["data"]
        assert len(rows) == count

    def test_note_is_read_with_its_lines_and_printed(
        self, owner: Membership, invoice: Invoice
    ) -> None:
        refund = give_back(invoice, 1250)
        rest = api_client(owner)
        shown = rest.get(f"{BILLING}/refunds/{refund.public_id}").json()

        note = rest.get(f"{BILLING}/credit-notes/{shown['credit_note_id']}").json()

        assert (note["number"], note["total"]) == ("CN-000001", usd(1250))
        assert [line["amount"] for line in note["lines"]] == [usd(250), usd(1000)]
        assert {line["line_id"] for line in note["lines"]} == {
            line.public_id for line in invoice.lines.all()
        }
        pdf = rest.get(f"{BILLING}/credit-notes/{note['id']}/pdf")
        assert pdf.content.startswith(b"%PDF")

    def test_provider_sees_what_was_taken_back(self, owner: Membership) -> None:
        bought = make_settled_invoice(consumer=OrganizationFactory(), provider=owner.organization)
        give_back(bought, 1250)
        rest = api_client(owner)

        rows = rest.get("/api/v1/earnings").json()["data"]

        assert [row["net"]["amount_minor"] for row in rows if row["credit_note_id"]] == [-800, -200]
        page = client_for(owner).get("/console/provider/earnings/").content.decode()
        assert "Taken back by credit note CN-000001" in page
        assert "Given back to consumers" in page

    def test_finance_lists_and_retries(self, owner: Membership, invoice: Invoice) -> None:
        refund = request_refund(invoice=invoice, reason="x", actor=actor_of(owner))
        rest = api_client(make_staff("finance"))
        early = rest.post(f"{ADMIN}/{refund.public_id}/retry")
        assert (early.status_code, early.json()["code"]) == (409, "invalid_transition")
        Refund.objects.update(status=RefundStatus.FAILED, failure_code="declined")

        assert len(rest.get(ADMIN, {"status": "failed"}).json()["data"]) == 1
        assert rest.get(ADMIN, {"status": "succeeded"}).json()["data"] == []
        assert rest.get(ADMIN, {"status": "lost"}).status_code == 400
        answer = rest.post(f"{ADMIN}/{refund.public_id}/retry")

        assert (answer.status_code, answer.json()["status"]) == (202, "approved")
        assert answer.json()["attempt"] == 2
        assert OutboxMessage.objects.filter(topic="billing.send_refund").count() == 1


class TestPages:
    """The payer's pages."""

    def test_payer_asks_and_withdraws(self, owner: Membership, invoice: Invoice) -> None:
        browser = client_for(owner)
        page = f"/console/billing/invoices/{invoice.public_id}/"
        assert "Ask for a refund" in browser.get(page).content.decode()

        too_much = browser.post(f"{page}refund", {"amount": "50.01", "reason": "x"})
        assert too_much.status_code == 422
        assert "At most $50.00 can be given back." in too_much.content.decode()
        fraction = browser.post(f"{page}refund", {"amount": "1.001", "reason": "x"})
        assert fraction.status_code == 422
        asked = browser.post(f"{page}refund", {"amount": "12.50", "reason": "Down"}, follow=True)

        text = asked.content.decode()
        assert "Waiting for approval" in text
        assert "Ask for a refund" not in text
        refund = Refund.objects.get()
        assert refund.amount == Money(1250, "USD")
        back = browser.post(f"/console/billing/refunds/{refund.public_id}/withdraw", follow=True)
        assert "Ask for a refund" in back.content.decode()

    def test_note_is_shown_and_downloaded(self, owner: Membership, invoice: Invoice) -> None:
        give_back(invoice, 1250)
        browser = client_for(owner)
        note = CreditNote.objects.get()
        page = f"/console/billing/credit-notes/{note.public_id}/"

        text = browser.get(page).content.decode()

        assert "Credit note CN-000001" in text
        assert "$12.50" in text
        assert browser.get(f"{page}pdf").content.startswith(b"%PDF")
        shown = browser.get(f"/console/billing/invoices/{invoice.public_id}/").content.decode()
        assert page in shown
        assert "Partially refunded" in shown
        stranger = client_for(make_member("owner"))
        assert stranger.get(page).status_code == 404
        assert stranger.get(f"{page}pdf").status_code == 404

    @pytest.mark.parametrize("count", [1, 3])
    def test_invoice_takes_the_same_queries_for_any_number_of_refunds(
        self, owner: Membership, invoice: Invoice, count: int, django_assert_num_queries: Any
    ) -> None:
        for _number in range(count):
            give_back(invoice, 100)
        browser = client_for(owner)
        page = f"/console/billing/invoices/{invoice.public_id}/"
        browser.get(page)
        with django_assert_num_queries(16):
            browser.get(page)

    @pytest.mark.parametrize("role", ["viewer", "developer"])
    def test_page_is_for_who_manages_money(self, invoice: Invoice, role: str) -> None:
        member = make_member(role, organization=invoice.organization)
        path = f"/console/billing/invoices/{invoice.public_id}/refund"
        assert client_for(member).get(path).status_code == 403


class TestBackOffice:
    """Approvers and finance."""

    @pytest.fixture
    def browser(self, settings: Any) -> Client:
        settings.REQUIRE_STAFF_MFA = False
        return client_for(make_staff("finance", "approver"))

    def test_review_page_shows_what_is_asked_of_what(
        self, invoice: Invoice, browser: Client
    ) -> None:
        give_back(invoice, 1000)
        request_refund(
            invoice=invoice, reason="Down on Monday", amount=Money(700, "USD"), actor=SYSTEM
        )
        request = ApprovalRequest.objects.latest("created_at")

        page = reverse("admin:approvals_approvalrequest_change", args=[request.pk])
        text = browser.get(page).content.decode()

        for word in ("Down on Monday", "$7.00", "$50.00", "$10.00", "INV-000001"):
            assert word in text

    def test_failed_refund_asks_for_attention_and_is_tried_again(
        self, owner: Membership, invoice: Invoice, browser: Client
    ) -> None:
        refund = request_refund(invoice=invoice, reason="x", actor=actor_of(owner))
        Refund.objects.update(status=RefundStatus.FAILED, failure_code="lost_or_stolen_card")
        waiting = attention_items(actor_of(make_staff("finance")))
        assert "Refunds that could not be paid" in [str(item.label) for item in waiting]
        listing = reverse("admin:billing_refund_changelist")
        text = browser.get(listing, {"status__exact": "failed"}).content.decode()
        assert "The card was reported lost or stolen." in text

        data = {"action": "retry", "_selected_action": [str(refund.pk)]}
        browser.post(listing, data, follow=True)

        refund.refresh_from_db()
        assert (refund.status, refund.attempt) == (RefundStatus.APPROVED, 2)

    def test_notes_are_listed_and_shown(self, invoice: Invoice, browser: Client) -> None:
        give_back(invoice, 1000)
        note = CreditNote.objects.get()
        assert browser.get(reverse("admin:billing_creditnote_changelist")).status_code == 200
        page = browser.get(reverse("admin:billing_creditnote_change", args=[note.pk]))
        assert "CN-000001" in page.content.decode()


@pytest.mark.django_db(transaction=True)
def test_two_questions_at_once_are_one_refund() -> None:
    owner = make_member("owner")
    invoice = make_settled_invoice(consumer=owner.organization)
    path = f"{BILLING}/invoices/{invoice.public_id}/refund-requests"
    barrier = Barrier(4)

    def ask(_number: int) -> int:
        rest = api_client(owner)
        barrier.wait(timeout=10)
        try:
            body = {"amount": usd(4000), "reason": "x"}
            status: int = rest.post(path, body, format="json").status_code
            return status
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ask, range(4)))

    assert sorted(answers) == [201, 409, 409, 409]
    assert Refund.objects.count() == ApprovalRequest.objects.count() == 1
    assert Payment.objects.get().refunded_minor == 0
