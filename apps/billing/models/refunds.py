"""Money given back, and the documents that say so. Issued credit notes never change."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.billing.enums import OPEN_REFUNDS, RefundStatus
from apps.billing.models.common import TwoSidedQuerySet
from apps.billing.models.invoices import Invoice, InvoiceLine
from apps.billing.models.payments import Payment
from apps.core.models import Entity
from apps.core.money import Money
from apps.core.querysets import TenantQuerySet


class Refund(Entity):
    """A part of a payment that the payer wants back: asked for, decided, sent under our id as its key."""

    id_prefix = "rfd"

    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="refunds", verbose_name=_("consumer")
    )
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="refunds")
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    status = models.CharField(
        _("status"), max_length=10, choices=RefundStatus, default=RefundStatus.REQUESTED
    )
    amount_minor = models.BigIntegerField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    reason = models.TextField(_("reason"))
    # Which lines it takes back, by public id: `[amount, tax]`. Empty: every line of the invoice in proportion.
    shares = models.JSONField(_("shares of lines"), null=True, blank=True)
    decision_comment = models.TextField(_("decision"), blank=True)
    # What the provider refused is refused under its key for good; trying again needs the next one.
    attempt = models.PositiveSmallIntegerField(_("attempt"), default=1)
    provider_reference = models.CharField(_("reference"), max_length=64, blank=True)
    failure_code = models.CharField(_("failure"), max_length=60, blank=True)
    failure_message = models.TextField(_("failure message"), blank=True)
    completed_at = models.DateTimeField(_("completed"), null=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        """One refund at a time is under way for an invoice."""

        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("invoice",),
                condition=Q(status__in=OPEN_REFUNDS),
                name="billing_refund_one_open",
            ),
            models.UniqueConstraint(
                fields=("provider_reference",),
                condition=~Q(provider_reference=""),
                name="billing_refund_reference_unique",
            ),
            models.CheckConstraint(
                condition=Q(amount_minor__gt=0), name="billing_refund_of_something"
            ),
        )
        indexes = (models.Index(fields=("status",), name="billing_refund_status"),)

    def __str__(self) -> str:
        return f"{self.amount} ({self.status})"

    @property
    def amount(self) -> Money:
        """What is given back, tax included."""
        return Money(self.amount_minor, self.currency)

    @property
    def key(self) -> str:
        """The key under which the provider moves the money once: our id, and from the second attempt on its number."""
        return self.public_id if self.attempt == 1 else f"{self.public_id}-{self.attempt}"


class CreditNote(Entity):
    """The document of a refund: takes back a part of an issued invoice. Numbered and frozen when it is made."""

    id_prefix = "crn"

    organization = models.ForeignKey(
        Organization,
        on_delete=models.PROTECT,
        related_name="credit_notes",
        verbose_name=_("consumer"),
    )
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="credit_notes")
    refund = models.OneToOneField(Refund, on_delete=models.PROTECT, related_name="credit_note")
    number = models.CharField(_("number"), max_length=40, unique=True)
    currency = models.CharField(_("currency"), max_length=3)
    subtotal_minor = models.BigIntegerField(_("subtotal"))
    tax_minor = models.BigIntegerField(_("tax"))
    total_minor = models.BigIntegerField(_("total"))
    is_sandbox = models.BooleanField(_("sandbox"), default=False)
    seller = models.JSONField(_("seller"))
    buyer = models.JSONField(_("buyer"))
    issued_at = models.DateTimeField(_("issued"))

    objects = TenantQuerySet.as_manager()

    class Meta:
        """Totals are sums of lines; amounts are positive and mean money given back."""

        verbose_name = _("credit note")
        verbose_name_plural = _("credit notes")
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(
                condition=Q(total_minor=F("subtotal_minor") + F("tax_minor")),
                name="billing_credit_note_total_is_sum",
            ),
        )

    def __str__(self) -> str:
        return self.number

    @property
    def total(self) -> Money:
        """What was given back in all."""
        return Money(self.total_minor, self.currency)

    @property
    def subtotal(self) -> Money:
        """What was given back before tax."""
        return Money(self.subtotal_minor, self.currency)

    @property
    def tax(self) -> Money:
        """The tax in it."""
        return Money(self.tax_minor, self.currency)


class CreditNoteLine(Entity):
    """What is taken back of one line of the invoice."""

    id_prefix = "cnl"

    consumer_organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+"
    )
    provider_organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", null=True
    )
    credit_note = models.ForeignKey(CreditNote, on_delete=models.PROTECT, related_name="lines")
    line = models.ForeignKey(InvoiceLine, on_delete=models.PROTECT, related_name="credits")
    position = models.PositiveIntegerField(_("position"))
    description = models.CharField(_("description"), max_length=200)
    amount_minor = models.BigIntegerField(_("amount"))
    tax_percent = models.DecimalField(_("tax percent"), max_digits=7, decimal_places=4)
    tax_minor = models.BigIntegerField(_("tax"))
    currency = models.CharField(_("currency"), max_length=3)

    objects = TwoSidedQuerySet.as_manager()

    class Meta:
        """In the invoice's order; an invoice line comes once on a credit note."""

        verbose_name = _("credit note line")
        verbose_name_plural = _("credit note lines")
        ordering = ("position",)
        constraints = (
            models.UniqueConstraint(
                fields=("credit_note", "line"), name="billing_credit_line_unique"
            ),
        )

    def __str__(self) -> str:
        return self.description

    @property
    def amount(self) -> Money:
        """What is taken back before tax."""
        return Money(self.amount_minor, self.currency)

    @property
    def tax(self) -> Money:
        """The tax on it."""
        return Money(self.tax_minor, self.currency)
