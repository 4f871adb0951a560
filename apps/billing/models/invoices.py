"""Invoices and their numbers. Issued invoices never change."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.billing.enums import InvoiceStatus, LineKind, TaxRounding
from apps.billing.models.common import TwoSidedQuerySet
from apps.billing.models.periods import BillingPeriod, RatedCharge
from apps.core.models import Entity
from apps.core.money import Money
from apps.core.querysets import TenantQuerySet


class NumberSeries(models.Model):
    """Gapless numbers; locked in the last statement of finalisation."""

    name = models.CharField(_("series"), max_length=40, primary_key=True)
    prefix = models.CharField(_("prefix"), max_length=20)
    last_number = models.PositiveBigIntegerField(_("last number"), default=0)

    class Meta:
        """Live invoices, sandbox invoices and credit notes each have their own."""

        verbose_name = _("number series")
        verbose_name_plural = _("number series")

    def __str__(self) -> str:
        return self.name


class Invoice(Entity):
    """What a consumer owes. Numbered when it is issued, and immutable from then on (but for its status)."""

    id_prefix = "inv"

    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="invoices", verbose_name=_("consumer")
    )
    number = models.CharField(  # noqa: DJ001 -- null until issued, and unique from then on
        _("number"), max_length=40, null=True, unique=True
    )
    status = models.CharField(
        _("status"), max_length=14, choices=InvoiceStatus, default=InvoiceStatus.DRAFT
    )
    currency = models.CharField(_("currency"), max_length=3)
    subtotal_minor = models.BigIntegerField(_("subtotal"), default=0)
    tax_minor = models.BigIntegerField(_("tax"), default=0)
    total_minor = models.BigIntegerField(_("total"), default=0)
    paid_minor = models.BigIntegerField(_("paid"), default=0)
    tax_rounding = models.CharField(
        _("tax rounding"), max_length=8, choices=TaxRounding, default=TaxRounding.LINE
    )
    is_sandbox = models.BooleanField(_("sandbox"), default=False)
    seller = models.JSONField(_("seller"), default=dict)
    buyer = models.JSONField(_("buyer"), default=dict)
    billing_day = models.DateField(_("billing day"))
    issued_at = models.DateTimeField(_("issued"), null=True)
    due_at = models.DateTimeField(_("due"), null=True)
    paid_at = models.DateTimeField(_("paid at"), null=True)
    pdf = models.FileField(_("PDF"), upload_to="invoices/%Y/%m", blank=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        """One draft per account and billing day collects what is due."""

        verbose_name = _("invoice")
        verbose_name_plural = _("invoices")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("organization", "currency", "billing_day"),
                condition=Q(status="draft"),
                name="billing_invoice_one_draft",
            ),
            models.CheckConstraint(
                condition=Q(status="draft") | Q(number__isnull=False),
                name="billing_invoice_numbered_when_issued",
            ),
            models.CheckConstraint(
                condition=Q(total_minor=F("subtotal_minor") + F("tax_minor")),
                name="billing_invoice_total_is_sum",
            ),
        )

    def __str__(self) -> str:
        return self.number or str(_("draft"))

    @property
    def total(self) -> Money:
        """What is owed in all."""
        return Money(self.total_minor, self.currency)

    @property
    def subtotal(self) -> Money:
        """What is owed before tax."""
        return Money(self.subtotal_minor, self.currency)

    @property
    def tax(self) -> Money:
        """The tax in it."""
        return Money(self.tax_minor, self.currency)

    @property
    def amount_due(self) -> Money:
        """What is still to be paid."""
        return Money(self.total_minor - self.paid_minor, self.currency)


class InvoiceLine(Entity):
    """One line: a charge rounded once, with the text and numbers as they were when issued."""

    id_prefix = "iln"

    consumer_organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+"
    )
    provider_organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", null=True
    )
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="lines")
    charge = models.OneToOneField(
        RatedCharge, on_delete=models.PROTECT, null=True, related_name="invoice_line"
    )
    period = models.ForeignKey(BillingPeriod, on_delete=models.PROTECT, null=True, related_name="+")
    corrects = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, related_name="corrections"
    )
    kind = models.CharField(_("kind"), max_length=10, choices=LineKind)
    position = models.PositiveIntegerField(_("position"))
    description = models.CharField(_("description"), max_length=200)
    quantity = models.DecimalField(_("quantity"), max_digits=30, decimal_places=12)
    amount_minor = models.BigIntegerField(_("amount"))
    tax_percent = models.DecimalField(_("tax percent"), max_digits=7, decimal_places=4, default=0)
    tax_minor = models.BigIntegerField(_("tax"), default=0)
    currency = models.CharField(_("currency"), max_length=3)
    # Of a discount: the promotion, the base, and how much of it lowers which line.
    discount = models.JSONField(_("discount"), null=True)

    objects = TwoSidedQuerySet.as_manager()

    class Meta:
        """In order."""

        verbose_name = _("invoice line")
        verbose_name_plural = _("invoice lines")
        ordering = ("position",)
        constraints = (
            models.UniqueConstraint(fields=("invoice", "position"), name="billing_line_unique"),
        )

    def __str__(self) -> str:
        return self.description

    @property
    def amount(self) -> Money:
        """The line's amount before tax."""
        return Money(self.amount_minor, self.currency)
