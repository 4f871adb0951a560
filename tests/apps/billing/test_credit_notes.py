"""What refunds take back: split to the cent, reversed with the fee, in documents that never change."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from io import BytesIO
from random import Random

import pytest
from django.db import InternalError, ProgrammingError, transaction
from django.db.models import Sum
from pypdf import PdfReader

from apps.approvals.models import ApprovalRequest
from apps.approvals.services import approve_request
from apps.billing.enums import RefundStatus
from apps.billing.gateways.base import RefundState
from apps.billing.models import CreditNote, CreditNoteLine, Earning, Invoice, InvoiceLine, Refund
from apps.billing.services.credit_notes import LineShare, split_refund
from apps.billing.services.documents import render_credit_note_pdf
from apps.billing.services.refund_sending import apply_refund_state
from apps.billing.services.refunds import request_refund
from apps.core.money import Money
from apps.pricing.models import TaxRate
from tests.factories.accounts import OrganizationFactory, actor_of, make_staff
from tests.factories.billing import SYSTEM, make_settled_invoice


def give_back(invoice: Invoice, minor: int | None) -> Refund:
    """Ask, approve, and let the payment provider say that it is done."""
    amount = None if minor is None else Money(minor, invoice.currency)
    refund = request_refund(invoice=invoice, reason="Outage", actor=SYSTEM, amount=amount)
    request = ApprovalRequest.objects.get(subject_id=refund.pk)
    approve_request(request=request, actor=actor_of(make_staff("approver")), comment="Yes")
    state = RefundState(
        reference=f"re_{refund.pk.hex}",
        payment_reference=refund.payment.provider_reference,
        status=RefundStatus.SUCCEEDED,
        amount=refund.amount,
        refund_id=refund.public_id,
        key=refund.key,
    )
    done = apply_refund_state(state=state, actor=SYSTEM)
    assert done is not None
    return done


def lines_of(*cells: tuple[int, int]) -> list[LineShare]:
    return [LineShare(InvoiceLine(), amount, tax) for amount, tax in cells]


class TestSplit:
    """By largest remainder over what is left of each line's amount and tax."""

    def test_parts_are_proportional_and_add_up(self) -> None:
        shares = split_refund(amount=Money(1000, "USD"), left=lines_of((1000, 190), (4000, 760)))
        parts = [(share.amount_minor, share.tax_minor) for share in shares]
        assert parts == [(168, 32), (672, 128)]
        assert sum(map(sum, parts)) == 1000

    def test_one_cent_goes_to_one_line(self) -> None:
        shares = split_refund(amount=Money(1, "USD"), left=lines_of((10, 0), (1000, 0)))
        assert [share.amount_minor for share in shares] == [1]

    def test_all_that_is_left_is_taken_as_it_is_with_discounts(self) -> None:
        left = lines_of((1000, 190), (-300, -57))
        assert split_refund(amount=Money(833, "USD"), left=left) == left

    def test_more_than_what_is_left_is_refused(self) -> None:
        with pytest.raises(ValueError, match="more than what is left"):
            split_refund(amount=Money(1191, "USD"), left=lines_of((1000, 190)))

    @pytest.mark.parametrize("seed", range(40))
    def test_parts_never_exceed_what_is_left_in_any_sequence(self, seed: int) -> None:
        random = Random(seed)  # noqa: S311 -- test data
        left = lines_of(
            *(
                (random.randint(0, 5000), random.randint(0, 900))
                for _ in range(random.randint(1, 7))
            )
        )
        while total := sum(share.amount_minor + share.tax_minor for share in left):
            wanted = random.randint(1, total)
            taken = {
                id(share.line): share
                for share in split_refund(amount=Money(wanted, "USD"), left=left)
            }
            nothing = LineShare(InvoiceLine(), 0, 0)
            assert sum(s.amount_minor + s.tax_minor for s in taken.values()) == wanted
            left = [
                LineShare(
                    share.line,
                    share.amount_minor - taken.get(id(share.line), nothing).amount_minor,
                    share.tax_minor - taken.get(id(share.line), nothing).tax_minor,
                )
                for share in left
            ]
            assert all(share.amount_minor >= 0 and share.tax_minor >= 0 for share in left)


@pytest.mark.django_db
class TestBooks:
    """Invoice less credit notes is payment less refunds is shares, fee and tax."""

    def prove(self, invoice: Invoice) -> None:
        """Check the equality line by line and in sum."""
        payment = invoice.payments.get()
        credited = invoice.credit_notes.aggregate(total=Sum("total_minor"))["total"] or 0
        assert invoice.total_minor - credited == payment.amount_minor - payment.refunded_minor
        kept = 0
        for line in invoice.lines.all():
            back = line.credits.aggregate(amount=Sum("amount_minor"), tax=Sum("tax_minor"))
            earned = line.earnings.aggregate(
                gross=Sum("gross_minor"), fee=Sum("fee_minor"), net=Sum("net_minor")
            )
            assert earned["gross"] == line.amount_minor - (back["amount"] or 0)
            assert earned["gross"] == earned["fee"] + earned["net"]
            assert min(earned["gross"], earned["fee"], earned["net"]) >= 0
            kept += earned["fee"] + earned["net"] + line.tax_minor - (back["tax"] or 0)
        assert kept == payment.amount_minor - payment.refunded_minor

    @pytest.mark.parametrize("seed", range(6))
    def test_equality_holds_after_every_refund_until_nothing_is_left(self, seed: int) -> None:
        random = Random(seed)  # noqa: S311 -- test data
        consumer = OrganizationFactory(country="DE")
        TaxRate.objects.create(
            country="DE", percent=Decimal("19.00"), valid_from=date(2020, 1, 1), name="VAT"
        )
        invoice = make_settled_invoice(consumer=consumer)
        assert invoice.tax_minor == 950

        left = invoice.total_minor
        while left:
            minor = min(left, random.choice([1, 7, 333, 1999, 4001]))
            give_back(invoice, minor)
            left -= minor
            self.prove(invoice)

        assert invoice.payments.get().status == "refunded"
        for name in ("gross_minor", "fee_minor", "net_minor"):
            assert Earning.objects.aggregate(sum=Sum(name))["sum"] == 0

    def test_full_refund_names_every_line_and_reverses_the_fee(self) -> None:
        invoice = make_settled_invoice(consumer=OrganizationFactory())

        give_back(invoice, None)

        note = CreditNote.objects.get()
        assert (note.total, note.tax_minor) == (invoice.total, 0)
        assert (note.seller, note.buyer) == (invoice.seller, invoice.buyer)
        assert [(line.line_id, line.amount_minor) for line in note.lines.all()] == [
            (line.pk, line.amount_minor) for line in invoice.lines.all()
        ]
        reversals = Earning.objects.filter(credit_line__isnull=False)
        assert sorted(reversals.values_list("gross_minor", "fee_minor", "net_minor")) == [
            (-4000, -800, -3200),
            (-1000, -200, -800),
        ]
        self.prove(invoice)

    def test_numbers_have_no_gaps_and_sandbox_ones_stand_apart(self) -> None:
        live = make_settled_invoice(consumer=OrganizationFactory())
        test = make_settled_invoice(consumer=OrganizationFactory(is_sandbox=True))
        for invoice in (live, test, live, test, live):
            give_back(invoice, 100)
        numbers = CreditNote.objects.order_by("id").values_list("number", flat=True)
        assert list(numbers) == [
            "CN-000001",
            "TEST-CN-000001",
            "CN-000002",
            "TEST-CN-000002",
            "CN-000003",
        ]

    @pytest.mark.parametrize("model", [CreditNote, CreditNoteLine])
    def test_issued_note_cannot_be_changed_or_deleted(
        self, model: type[CreditNote | CreditNoteLine]
    ) -> None:
        give_back(make_settled_invoice(consumer=OrganizationFactory()), 100)
        with pytest.raises((InternalError, ProgrammingError)), transaction.atomic():
            model.objects.update(tax_minor=0)
        with pytest.raises((InternalError, ProgrammingError)), transaction.atomic():
            model.objects.all()._raw_delete("default")

    def test_invoice_stays_as_it_was(self) -> None:
        invoice = make_settled_invoice(consumer=OrganizationFactory())
        before = Invoice.objects.values().get()
        give_back(invoice, 4999)
        assert Invoice.objects.values().get() == before

    def test_document_names_both_numbers_and_the_amount(self) -> None:
        give_back(make_settled_invoice(consumer=OrganizationFactory()), 1250)
        pdf = render_credit_note_pdf(note=CreditNote.objects.get())
        text = PdfReader(BytesIO(pdf)).pages[0].extract_text()
        for word in ("Credit note", "CN-000001", "INV-000001", "12.50"):
            assert word in text
