"""Invoices, their proofs and their payment over REST."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader
from rest_framework.test import APIClient

from apps.accounts.models import Membership
from apps.billing.enums import InvoiceStatus, PaymentStatus
from apps.billing.models import Invoice, Payment, RatedCharge
from apps.core import clock
from apps.core.relay import drain_until_empty
from apps.usage.models import UsageWindow
from tests.clients import api_client
from tests.deploy.conftest import StripeSystem
from tests.factories.accounts import OrganizationFactory, make_member
from tests.factories.billing import (
    MONTH_START,
    close_month,
    make_billed_subscription,
    make_calls,
    make_invoice,
    make_method,
)

pytestmark = pytest.mark.django_db

INVOICES = "/api/v1/billing/invoices"


@pytest.fixture
def owner() -> Membership:
    return make_member("owner")


@pytest.fixture
def rest(owner: Membership) -> APIClient:
    return api_client(owner)


def test_invoice_is_shown_with_its_lines(rest: APIClient, owner: Membership) -> None:
    invoice = make_invoice(consumer=owner.organization)

    body = rest.get(f"{INVOICES}/{invoice.public_id}").json()

    assert body["number"] == "INV-000001"
    assert body["status"] == "open"
    assert body["total"] == {"amount_minor": 5000, "currency": "USD"}
    assert body["amount_due"] == body["total"]
    base, calls = body["lines"]
    assert (base["kind"], base["amount"]["amount_minor"]) == ("fee", 1000)
    assert (calls["kind"], calls["quantity"]) == ("usage", "5000")
    assert calls["period_start"] == "2025-01-01T00:00:00Z"


@pytest.mark.parametrize("count", [1, 3])
def test_list_takes_the_same_queries_for_any_number(
    owner: Membership, count: int, django_assert_num_queries: Any
) -> None:
    for _number in range(count):
        make_invoice(consumer=owner.organization)
    rest = api_client(owner)

    with django_assert_num_queries(1):
        body = rest.get(INVOICES).json()

    assert len(body["data"]) == count
    assert body["next"] is None


@pytest.mark.parametrize(("status", "found"), [("open", 1), ("overdue", 0), ("paid", 0)])
def test_list_keeps_one_status(rest: APIClient, owner: Membership, status: str, found: int) -> None:
    make_invoice(consumer=owner.organization)
    assert len(rest.get(INVOICES, {"status": status}).json()["data"]) == found


def test_open_invoice_past_due_is_overdue(rest: APIClient, owner: Membership) -> None:
    invoice = make_invoice(consumer=owner.organization)
    Invoice.objects.filter(pk=invoice.pk).update(due_at=clock.now() - timedelta(days=1))

    assert len(rest.get(INVOICES, {"status": "overdue"}).json()["data"]) == 1


def test_unknown_status_is_refused(rest: APIClient) -> None:
    assert rest.get(INVOICES, {"status": "lost"}).status_code == 400


@pytest.mark.parametrize("tail", ["", "/pdf", "/lines/{line}/proof"])
def test_other_tenants_invoice_does_not_exist(tail: str) -> None:
    invoice = make_invoice()
    line = invoice.lines.first()
    path = f"{INVOICES}/{invoice.public_id}{tail}".format(line=line.public_id)

    assert api_client(make_member("owner")).get(path).status_code == 404


def test_other_tenant_cannot_pay(owner: Membership) -> None:
    invoice = make_invoice()

    answer = api_client(owner).post(f"{INVOICES}/{invoice.public_id}/pay")

    assert answer.status_code == 404
    assert not Payment.objects.exists()


def test_pdf_is_downloaded(rest: APIClient, owner: Membership) -> None:
    invoice = make_invoice(consumer=owner.organization)

    answer = rest.get(f"{INVOICES}/{invoice.public_id}/pdf", headers={"Accept": "application/pdf"})

    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="INV-000001.pdf"'
    assert "INV-000001" in PdfReader(BytesIO(answer.content)).pages[0].extract_text()


def test_stored_pdf_is_the_one_that_is_sent(rest: APIClient, owner: Membership) -> None:
    invoice = make_invoice(consumer=owner.organization)
    drain_until_empty()
    invoice.refresh_from_db()

    answer = rest.get(f"{INVOICES}/{invoice.public_id}/pdf")

    with invoice.pdf.open() as file:
        assert answer.content == file.read()


def test_draft_has_no_pdf(rest: APIClient, owner: Membership) -> None:
    draft = Invoice.objects.create(
        organization=owner.organization, currency="USD", billing_day=MONTH_START.date()
    )

    answer = rest.get(f"{INVOICES}/{draft.public_id}/pdf")

    assert (answer.status_code, answer.json()["code"]) == (409, "invoice_not_issued")


class TestProof:
    """Line → charge → steps → windows → calls."""

    @pytest.fixture
    def path(self, owner: Membership) -> str:
        """An invoice of 1 003 billed calls, 1 refused one, and one call that came too late."""
        subscription = make_billed_subscription(consumer=owner.organization)
        first = MONTH_START + timedelta(days=2, minutes=5)
        make_calls(subscription, *(first + timedelta(seconds=step) for step in range(1003)))
        make_calls(subscription, first, status=404)
        invoice = close_month(subscription)
        make_calls(subscription, first + timedelta(hours=1))
        line = invoice.lines.get(kind="usage")
        return f"{INVOICES}/{invoice.public_id}/lines/{line.public_id}/proof"

    def test_the_calls_add_up_to_the_amount(self, rest: APIClient, path: str) -> None:
        proof = rest.get(path, {"limit": 200}).json()

        assert proof["line"]["amount"]["amount_minor"] == 3
        assert [step["formula"] for step in proof["steps"]] == ["1000 × 0 = 0", "3 × 0.01 = 0.03"]
        assert sum(Decimal(step["amount"]) for step in proof["steps"]) == Decimal("0.03")
        windows = [(item["window"]["quantity"], item["is_unchanged"]) for item in proof["windows"]]
        assert [(int(Decimal(quantity)), same) for quantity, same in windows] == [(1003, True)]
        assert proof["recomputed"] == {
            "from_steps": "0.03",
            "from_usage": "0.03",
            "windows_quantity": "1003",
            "calls": 1003,
            "amount": {"amount_minor": 3, "currency": "USD"},
            "is_proven": True,
        }

    def test_every_call_is_on_one_page(self, rest: APIClient, path: str) -> None:
        seen: list[str] = []
        url: str | None = f"{path}?limit=200"
        while url:
            events = rest.get(url).json()["events"]
            seen += [event["id"] for event in events["data"]]
            url = events["next"]

        assert len(seen) == len(set(seen)) == 1003

    def test_step_that_contradicts_its_numbers_is_found_out(
        self, rest: APIClient, path: str
    ) -> None:
        charge = RatedCharge.objects.get(meter="calls")
        charge.calculation["steps"][1]["amount"] = "7"
        charge.save(update_fields=["calculation"])

        recomputed = rest.get(path).json()["recomputed"]

        assert recomputed["from_steps"] is None
        assert recomputed["is_proven"] is False

    def test_window_that_changed_since_is_found_out(self, rest: APIClient, path: str) -> None:
        UsageWindow.objects.update(quantity=2000, revision=99)

        proof = rest.get(path).json()

        assert proof["recomputed"]["amount"]["amount_minor"] == 1000
        assert proof["recomputed"]["is_proven"] is False
        assert proof["windows"][0]["is_unchanged"] is False

    def test_line_of_another_invoice_does_not_exist(
        self, rest: APIClient, path: str, owner: Membership
    ) -> None:
        other = make_invoice(consumer=owner.organization)
        line_id = path.split("/")[-2]

        answer = rest.get(f"{INVOICES}/{other.public_id}/lines/{line_id}/proof")

        assert answer.status_code == 404

    def test_takes_the_same_queries_for_any_number_of_calls(
        self, rest: APIClient, path: str, django_assert_num_queries: Any
    ) -> None:
        for limit in (1, 3):
            with django_assert_num_queries(7):
                rest.get(path, {"limit": limit})


class TestPayment:
    """Paying over REST, against a listening Stripe."""

    @pytest.fixture
    def invoice(self, owner: Membership, payments: StripeSystem) -> Invoice:  # noqa: ARG002 -- it listens
        rest = api_client(owner)
        answer = rest.post(
            "/api/v1/billing/payment-methods", {"method_reference": "pm_card_visa"}, format="json"
        )
        assert answer.status_code == 201
        return make_invoice(consumer=owner.organization)

    def test_invoice_is_paid_once_whatever_is_repeated(
        self,
        rest: APIClient,
        invoice: Invoice,
        payments: StripeSystem,
        deliver_webhooks: Callable[[], list[int]],
    ) -> None:
        path = f"{INVOICES}/{invoice.public_id}/pay"
        first = rest.post(path, headers={"Idempotency-Key": "pay-1"})
        again = rest.post(path, headers={"Idempotency-Key": "pay-1"})

        assert (first.status_code, first.json()["status"]) == (202, "processing")
        assert again.json()["id"] == first.json()["id"]
        assert again.headers["Idempotent-Replayed"] == "true"
        assert rest.post(path).json()["code"] == "payment_under_way"
        intents = payments.v1.payment_intents.list().data
        assert [intent.amount for intent in intents] == [5000]
        assert set(deliver_webhooks()) == {200}
        drain_until_empty()
        payment = rest.get(f"/api/v1/billing/payments/{first.json()['id']}").json()
        assert payment["status"] == "succeeded"
        assert payment["provider_reference"] == intents[0].id
        assert Invoice.objects.get().status == InvoiceStatus.PAID
        assert rest.post(path).json()["code"] == "nothing_to_pay"

    def test_unreachable_provider_is_asked_again_under_the_same_key(
        self, rest: APIClient, invoice: Invoice, payments: StripeSystem
    ) -> None:
        path = f"{INVOICES}/{invoice.public_id}/pay"
        payments.post("faults", path="/v1/payment_intents", kind="drop", when="after", count=3)

        failed = rest.post(path, headers={"Idempotency-Key": "pay-1"})
        again = rest.post(path, headers={"Idempotency-Key": "pay-1"})

        assert (failed.status_code, failed.json()["code"]) == (503, "payment_provider_unavailable")
        assert (again.status_code, again.json()["status"]) == (202, "processing")
        assert len(payments.v1.payment_intents.list().data) == 1
        assert Payment.objects.get().status == PaymentStatus.PROCESSING


def test_invoice_without_a_card_cannot_be_paid(rest: APIClient, owner: Membership) -> None:
    invoice = make_invoice(consumer=owner.organization)

    answer = rest.post(f"{INVOICES}/{invoice.public_id}/pay")

    assert (answer.status_code, answer.json()["code"]) == (409, "no_payment_method")
    assert not Payment.objects.exists()


@pytest.mark.parametrize("count", [1, 3])
def test_payments_take_the_same_queries_for_any_number(
    owner: Membership, count: int, django_assert_num_queries: Any
) -> None:
    method = make_method(owner.organization, is_default=True)
    for _number in range(count):
        invoice = make_invoice(consumer=owner.organization)
        Payment.objects.create(
            organization=owner.organization,
            invoice=invoice,
            method=method,
            provider="stripe",
            amount_minor=5000,
            currency="USD",
        )
    stranger = OrganizationFactory()
    Payment.objects.create(
        organization=stranger,
        invoice=make_invoice(consumer=stranger),
        provider="stripe",
        amount_minor=5000,
        currency="USD",
    )
    rest = api_client(owner)

    with django_assert_num_queries(1):
        rows = rest.get("/api/v1/billing/payments").json()["data"]

    assert len(rows) == count
