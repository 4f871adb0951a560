"""Shapes of the billing endpoints."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.billing.documents.explanations import describe_step
from apps.billing.estimates import PeriodEstimate
from apps.billing.models import (
    BillingAccount,
    BillingPeriod,
    Earning,
    Invoice,
    InvoiceLine,
    Payment,
    PaymentMethod,
)
from apps.core.api.fields import MoneyField
from apps.core.ids import format_public_id
from apps.core.money import Money
from apps.pricing.calculator import Step


class ExactField(serializers.DecimalField):
    """A quantity or an unrounded amount as a decimal string without trailing zeros."""

    def __init__(self, **options: Any) -> None:
        """Take twelve places, as the database keeps them."""
        super().__init__(
            max_digits=30, decimal_places=12, normalize_output=True, read_only=True, **options
        )


class InvoiceLineOutput(serializers.ModelSerializer[InvoiceLine]):
    """One line; `proof` leads to the calls behind it."""

    id = serializers.CharField(source="public_id", read_only=True)
    amount = MoneyField(read_only=True)
    tax = serializers.SerializerMethodField()
    quantity = ExactField()
    period_start = serializers.DateTimeField(source="period.period_start", default=None)
    period_end = serializers.DateTimeField(source="period.period_end", default=None)
    subscription_id = serializers.SerializerMethodField()

    class Meta:
        """Explicit fields only."""

        model = InvoiceLine
        fields = (
            "id",
            "position",
            "kind",
            "description",
            "quantity",
            "amount",
            "tax",
            "tax_percent",
            "subscription_id",
            "period_start",
            "period_end",
            "discount",
        )
        read_only_fields = fields

    @extend_schema_field(MoneyField)
    def get_tax(self, line: InvoiceLine) -> dict[str, Any]:
        """Return the tax on the line."""
        return MoneyField().to_representation(Money(line.tax_minor, line.currency))

    def get_subscription_id(self, line: InvoiceLine) -> str | None:
        """Return the public id."""
        return format_public_id("sub", line.period.subscription_id) if line.period else None


class InvoiceOutput(serializers.ModelSerializer[Invoice]):
    """An invoice without its lines; `number` is null until it is issued."""

    id = serializers.CharField(source="public_id", read_only=True)
    subtotal = MoneyField(read_only=True)
    tax = MoneyField(read_only=True)
    total = MoneyField(read_only=True)
    amount_due = MoneyField(read_only=True)

    class Meta:
        """Explicit fields only."""

        model = Invoice
        fields = (
            "id",
            "number",
            "status",
            "subtotal",
            "tax",
            "total",
            "amount_due",
            "is_sandbox",
            "billing_day",
            "issued_at",
            "due_at",
            "paid_at",
        )
        read_only_fields = fields


class InvoiceDetailOutput(InvoiceOutput):
    """An invoice with its lines and its parties."""

    lines = serializers.SerializerMethodField()

    class Meta(InvoiceOutput.Meta):
        """Also what it says."""

        fields = (*InvoiceOutput.Meta.fields, "seller", "buyer", "lines")  # type: ignore[assignment]  # more
        read_only_fields = fields  # type: ignore[assignment]  # as above

    @extend_schema_field(InvoiceLineOutput(many=True))
    def get_lines(self, _invoice: Invoice) -> Any:
        """Return the lines that the view has read."""
        return InvoiceLineOutput(self.context["lines"], many=True).data


class PaymentMethodOutput(serializers.ModelSerializer[PaymentMethod]):
    """A saved card, as far as it may be shown."""

    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        """Explicit fields only."""

        model = PaymentMethod
        fields = (
            "id",
            "provider",
            "provider_reference",
            "brand",
            "last_four",
            "expires_month",
            "expires_year",
            "is_default",
            "created_at",
        )
        read_only_fields = fields


class PaymentMethodInput(serializers.Serializer[Any]):
    """A method that the payer entered at the payment provider."""

    method_reference = serializers.RegexField(
        r"^pm_[A-Za-z0-9_]+$", max_length=64, help_text="For example `pm_1Q…`."
    )


class SetupSessionInput(serializers.Serializer[Any]):
    """Where the payer comes back to; without it, to the portal's billing page."""

    return_url = serializers.URLField(required=False, max_length=500)


class SetupSessionOutput(serializers.Serializer[Any]):
    """The page on which the payer enters a card."""

    url = serializers.URLField()


class PaymentOutput(serializers.ModelSerializer[Payment]):
    """An attempt to pay an invoice."""

    id = serializers.CharField(source="public_id", read_only=True)
    invoice_id = serializers.SerializerMethodField()
    method_id = serializers.SerializerMethodField()
    amount = MoneyField(read_only=True)
    refunded = MoneyField(read_only=True)

    class Meta:
        """Explicit fields only."""

        model = Payment
        fields = (
            "id",
            "invoice_id",
            "method_id",
            "provider",
            "provider_reference",
            "status",
            "amount",
            "refunded",
            "failure_code",
            "failure_message",
            "created_at",
            "completed_at",
        )
        read_only_fields = fields

    def get_invoice_id(self, payment: Payment) -> str:
        """Return the public id."""
        return format_public_id("inv", payment.invoice_id)

    def get_method_id(self, payment: Payment) -> str | None:
        """Return the public id."""
        return format_public_id("pmt", payment.method_id) if payment.method_id else None


class BillingAccountOutput(serializers.ModelSerializer[BillingAccount]):
    """What invoices say about the buyer from now on."""

    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        """Explicit fields only."""

        model = BillingAccount
        fields = ("id", "currency", "legal_name", "address", "tax_id")
        read_only_fields = fields


class BillingAccountInput(serializers.Serializer[Any]):
    """Fields left out stay as they are."""

    legal_name = serializers.CharField(required=False, max_length=150)
    address = serializers.CharField(required=False, max_length=1000, allow_blank=True)
    tax_id = serializers.CharField(required=False, max_length=40, allow_blank=True)


class BillingPeriodOutput(serializers.ModelSerializer[BillingPeriod]):
    """A billing period of a subscription; the end does not belong to it."""

    id = serializers.CharField(source="public_id", read_only=True)
    subscription_id = serializers.CharField(source="subscription.public_id", read_only=True)
    api_name = serializers.CharField(source="subscription.api.name", read_only=True)
    start = serializers.DateTimeField(source="period_start", read_only=True)
    end = serializers.DateTimeField(source="period_end", read_only=True)

    class Meta:
        """Explicit fields only."""

        model = BillingPeriod
        fields = (
            "id",
            "subscription_id",
            "api_name",
            "number",
            "start",
            "end",
            "status",
            "closing_since",
            "closed_at",
        )
        read_only_fields = fields


class EstimatedLineOutput(serializers.Serializer[Any]):
    """One price component, rated with what has been counted."""

    name = serializers.CharField()
    meter = serializers.CharField(source="charge.meter")
    quantity = ExactField(source="charge.quantity")
    amount = MoneyField()
    projected = MoneyField()


class EstimatedDiscountOutput(serializers.Serializer[Any]):
    """What a promotion takes off; the amounts are not positive."""

    name = serializers.CharField()
    amount = MoneyField()
    projected = MoneyField()


class PeriodEstimateOutput(serializers.Serializer[PeriodEstimate]):
    """A running period: what it would cost if it ended now, and at the pace of the last week; before tax."""

    period = BillingPeriodOutput()
    so_far = MoneyField()
    projected = MoneyField()
    lines = EstimatedLineOutput(many=True)
    discounts = EstimatedDiscountOutput(many=True)


class EstimateTotalOutput(serializers.Serializer[Any]):
    """The sum of one currency."""

    so_far = MoneyField()
    projected = MoneyField()


class EstimateOutput(serializers.Serializer[Any]):
    """The running periods of all subscriptions."""

    totals = EstimateTotalOutput(many=True)
    periods = PeriodEstimateOutput(many=True)


class EarningOutput(serializers.ModelSerializer[Earning]):
    """A share of one paid line: net is gross less fee; negative with a credit note, for what was given back."""

    id = serializers.CharField(source="public_id", read_only=True)
    line_id = serializers.CharField(source="line.public_id", read_only=True)
    description = serializers.CharField(source="line.description", read_only=True)
    gross = serializers.SerializerMethodField()
    fee = serializers.SerializerMethodField()
    net = serializers.SerializerMethodField()
    credit_note_id = serializers.SerializerMethodField()

    class Meta:
        """Explicit fields only."""

        model = Earning
        fields = (
            "id",
            "line_id",
            "credit_note_id",
            "description",
            "status",
            "gross",
            "fee",
            "net",
            "fee_percent",
            "is_sandbox",
            "available_at",
            "created_at",
        )
        read_only_fields = fields

    def get_credit_note_id(self, row: Earning) -> str | None:
        """Return the public id of the credit note that took this back."""
        if row.credit_line is None:
            return None
        return format_public_id("crn", row.credit_line.credit_note_id)

    @extend_schema_field(MoneyField)
    def get_gross(self, row: Earning) -> dict[str, Any]:
        """Return what the consumer paid for the line."""
        return MoneyField().to_representation(Money(row.gross_minor, row.currency))

    @extend_schema_field(MoneyField)
    def get_fee(self, row: Earning) -> dict[str, Any]:
        """Return what the marketplace keeps."""
        return MoneyField().to_representation(Money(row.fee_minor, row.currency))

    @extend_schema_field(MoneyField)
    def get_net(self, row: Earning) -> dict[str, Any]:
        """Return what the provider gets."""
        return MoneyField().to_representation(Money(row.net_minor, row.currency))


class EarningTotalsOutput(serializers.Serializer[Any]):
    """A provider's money in one currency; sandbox money is counted apart and never paid out."""

    currency = serializers.CharField()
    is_sandbox = serializers.BooleanField()
    gross = MoneyField()
    fees = MoneyField()
    accrued = MoneyField()
    payable = MoneyField()
    paid = MoneyField()
    refunded = MoneyField()
    next_payable_at = serializers.DateTimeField(allow_null=True)


class JobOutput(serializers.Serializer[Any]):
    """A job that was started."""

    job_id = serializers.CharField()
    name = serializers.CharField()
    status = serializers.CharField()


class StepOutput(serializers.Serializer[Any]):
    """One step of the calculation, with every operand, and the same in words."""

    def to_representation(self, step: Step) -> dict[str, Any]:
        """Return the stored operands with the words of the invoice."""
        words = describe_step(step, self.context["currency"])
        return {**step.to_json(), "label": words.label, "working": words.working}
