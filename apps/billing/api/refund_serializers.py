"""Shapes of refunds and credit notes."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.billing.constants import REFUND_REASON_MAX_LENGTH_CHARS
from apps.billing.models import CreditNote, CreditNoteLine, Refund
from apps.core.api.fields import MoneyField


class RefundInput(serializers.Serializer[Any]):
    """What is asked back; without an amount, all that is left."""

    amount = MoneyField(required=False)
    reason = serializers.CharField(max_length=REFUND_REASON_MAX_LENGTH_CHARS)


class RefundOutput(serializers.ModelSerializer[Refund]):
    """A refund; `credit_note_id` is null until the money went back."""

    id = serializers.CharField(source="public_id", read_only=True)
    invoice_id = serializers.CharField(source="invoice.public_id", read_only=True)
    invoice_number = serializers.CharField(source="invoice.number", read_only=True)
    amount = MoneyField(read_only=True)
    credit_note_id = serializers.SerializerMethodField()

    class Meta:
        """Explicit fields only."""

        model = Refund
        fields = (
            "id",
            "invoice_id",
            "invoice_number",
            "status",
            "amount",
            "reason",
            "decision_comment",
            "credit_note_id",
            "provider_reference",
            "failure_code",
            "failure_message",
            "created_at",
            "completed_at",
        )
        read_only_fields = fields

    def get_credit_note_id(self, refund: Refund) -> str | None:
        """Return the public id."""
        note = getattr(refund, "credit_note", None)
        return note.public_id if note else None


class StaffRefundOutput(RefundOutput):
    """A refund as finance sees it."""

    organization_id = serializers.CharField(source="organization.public_id", read_only=True)

    class Meta(RefundOutput.Meta):
        """Also whose it is, and how often it was sent."""

        fields = (*RefundOutput.Meta.fields, "organization_id", "attempt")  # type: ignore[assignment]  # more
        read_only_fields = fields  # type: ignore[assignment]  # as above


class CreditNoteLineOutput(serializers.ModelSerializer[CreditNoteLine]):
    """What was taken back of one line of the invoice."""

    id = serializers.CharField(source="public_id", read_only=True)
    line_id = serializers.CharField(source="line.public_id", read_only=True)
    amount = MoneyField(read_only=True)
    tax = MoneyField(read_only=True)

    class Meta:
        """Explicit fields only."""

        model = CreditNoteLine
        fields = ("id", "line_id", "position", "description", "amount", "tax", "tax_percent")
        read_only_fields = fields


class CreditNoteOutput(serializers.ModelSerializer[CreditNote]):
    """A credit note without its lines; amounts are positive and mean money given back."""

    id = serializers.CharField(source="public_id", read_only=True)
    invoice_id = serializers.CharField(source="invoice.public_id", read_only=True)
    invoice_number = serializers.CharField(source="invoice.number", read_only=True)
    refund_id = serializers.CharField(source="refund.public_id", read_only=True)
    subtotal = MoneyField(read_only=True)
    tax = MoneyField(read_only=True)
    total = MoneyField(read_only=True)

    class Meta:
        """Explicit fields only."""

        model = CreditNote
        fields = (
            "id",
            "number",
            "invoice_id",
            "invoice_number",
            "refund_id",
            "subtotal",
            "tax",
            "total",
            "is_sandbox",
            "issued_at",
        )
        read_only_fields = fields


class CreditNoteDetailOutput(CreditNoteOutput):
    """A credit note with its lines and its parties."""

    lines = serializers.SerializerMethodField()

    class Meta(CreditNoteOutput.Meta):
        """Also what it says."""

        fields = (*CreditNoteOutput.Meta.fields, "seller", "buyer", "lines")  # type: ignore[assignment]  # more
        read_only_fields = fields  # type: ignore[assignment]  # as above

    @extend_schema_field(CreditNoteLineOutput(many=True))
    def get_lines(self, _note: CreditNote) -> Any:
        """Return the lines that the view has read."""
        return CreditNoteLineOutput(self.context["lines"], many=True).data
