"""States and kinds of billing."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import pgettext_lazy


class PeriodStatus(TextChoices):
    """Where a billing period stands."""

    OPEN = "open", pgettext_lazy("period", "open")
    CLOSING = "closing", pgettext_lazy("period", "closing")
    CLOSED = "closed", pgettext_lazy("period", "closed")


class RunKind(TextChoices):
    """What a rating run books."""

    CLOSING = "closing", pgettext_lazy("rating run", "closing")
    ADVANCE = "advance", pgettext_lazy("rating run", "fees in advance")
    CREDIT = "credit", pgettext_lazy("rating run", "unused fees")
    RERATING = "rerating", pgettext_lazy("rating run", "rated again")


# What a period's usage costs: as it was known when the period closed, and what came of later truth.
USAGE_RUNS = (RunKind.CLOSING, RunKind.RERATING)


class InvoiceStatus(TextChoices):
    """Where an invoice stands; overdue is open and past due."""

    DRAFT = "draft", pgettext_lazy("invoice", "draft")
    OPEN = "open", pgettext_lazy("invoice", "open")
    PAID = "paid", pgettext_lazy("invoice", "paid")
    VOID = "void", pgettext_lazy("invoice", "void")
    UNCOLLECTIBLE = "uncollectible", pgettext_lazy("invoice", "uncollectible")


class LineKind(TextChoices):
    """What an invoice line stands for."""

    USAGE = "usage", pgettext_lazy("line", "usage")
    FEE = "fee", pgettext_lazy("line", "fee")
    ADJUSTMENT = "adjustment", pgettext_lazy("line", "adjustment")
    DISCOUNT = "discount", pgettext_lazy("line", "discount")
    CREDIT = "credit", pgettext_lazy("line", "credit")
    CARRIED = "carried", pgettext_lazy("line", "carried over")


class PaymentStatus(TextChoices):
    """Where a payment stands."""

    PENDING = "pending", pgettext_lazy("payment", "pending")
    PROCESSING = "processing", pgettext_lazy("payment", "processing")
    REQUIRES_ACTION = "requires_action", pgettext_lazy("payment", "requires action")
    SUCCEEDED = "succeeded", pgettext_lazy("payment", "succeeded")
    FAILED = "failed", pgettext_lazy("payment", "failed")
    CANCELLED = "cancelled", pgettext_lazy("payment", "cancelled")
    REFUNDED = "refunded", pgettext_lazy("payment", "refunded")
    PARTIALLY_REFUNDED = "partially_refunded", pgettext_lazy("payment", "partially refunded")
    DISPUTED = "disputed", pgettext_lazy("payment", "disputed")


class PaymentProvider(TextChoices):
    """Who moves the money."""

    STRIPE = "stripe", "Stripe"
    PAYNOW = "paynow", "Paynow"
    CREDITS = "credits", pgettext_lazy("payment", "credits")


class RefundStatus(TextChoices):
    """Where a refund stands."""

    REQUESTED = "requested", pgettext_lazy("refund", "requested")
    APPROVED = "approved", pgettext_lazy("refund", "approved")
    PROCESSING = "processing", pgettext_lazy("refund", "processing")
    SUCCEEDED = "succeeded", pgettext_lazy("refund", "succeeded")
    FAILED = "failed", pgettext_lazy("refund", "failed")
    REJECTED = "rejected", pgettext_lazy("refund", "rejected")
    CANCELLED = "cancelled", pgettext_lazy("refund", "cancelled")


# Somebody still has to decide, or the provider to pay.
OPEN_REFUNDS = (RefundStatus.REQUESTED, RefundStatus.APPROVED, RefundStatus.PROCESSING)


class EarningStatus(TextChoices):
    """Where a provider's share stands."""

    ACCRUED = "accrued", pgettext_lazy("earning", "accrued")
    PAYABLE = "payable", pgettext_lazy("earning", "payable")
    PAID = "paid", pgettext_lazy("earning", "paid")
    CLAWED_BACK = "clawed_back", pgettext_lazy("earning", "clawed back")


class TaxRounding(TextChoices):
    """Where tax is rounded; stored on the invoice."""

    LINE = "line", pgettext_lazy("tax", "per line")
    INVOICE = "invoice", pgettext_lazy("tax", "per invoice")
