"""Periods, rating, invoices, payments and what providers earn. Issued invoices never change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.billing.enums import (
    EarningStatus,
    InvoiceStatus,
    LineKind,
    PaymentProvider,
    PaymentStatus,
    PeriodStatus,
    TaxRounding,
)
from apps.core.models import Entity
from apps.core.money import Money
from apps.core.querysets import TenantQuerySet
from apps.pricing.models import PriceVersion
from apps.subscriptions.models import Subscription

if TYPE_CHECKING:
    from apps.core.actors import Actor


M = TypeVar("M", bound=models.Model)


class TwoSidedQuerySet(TenantQuerySet[M]):
    """Rows with a consumer and a provider; `visible_to` is the consumer's side."""

    tenant_fields = ("consumer_organization_id",)

    def provided_by(self, actor: Actor) -> Self:
        """Keep the rows of the actor's own APIs (the provider's side)."""
        if actor.sees_every_tenant:
            return self.all()
        if actor.organization_id is None:
            return self.none()
        return self.filter(provider_organization_id=actor.organization_id)


class BillingAccount(Entity):
    """How an organization pays."""

    id_prefix = "bac"

    organization = models.OneToOneField(
        Organization, on_delete=models.PROTECT, related_name="billing_account"
    )
    currency = models.CharField(_("currency"), max_length=3)
    legal_name = models.CharField(_("legal name"), max_length=150, blank=True)
    address = models.TextField(_("address"), blank=True)
    tax_id = models.CharField(_("tax id"), max_length=40, blank=True)
    stripe_customer_id = models.CharField(_("Stripe customer"), max_length=64, blank=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        """One per organization."""

        verbose_name = _("billing account")
        verbose_name_plural = _("billing accounts")

    def __str__(self) -> str:
        return self.legal_name or str(self.organization)


class PaymentMethod(Entity):
    """A saved way to pay, as the payment provider describes it."""

    id_prefix = "pmt"

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    provider = models.CharField(_("provider"), max_length=8, choices=PaymentProvider)
    provider_reference = models.CharField(_("reference"), max_length=64)
    brand = models.CharField(_("brand"), max_length=20, blank=True)
    last_four = models.CharField(_("ends with"), max_length=4, blank=True)
    expires_month = models.PositiveSmallIntegerField(_("expires (month)"), null=True)
    expires_year = models.PositiveSmallIntegerField(_("expires (year)"), null=True)
    is_default = models.BooleanField(_("default"), default=False)
    detached_at = models.DateTimeField(_("removed"), null=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        """One default per organization."""

        verbose_name = _("payment method")
        verbose_name_plural = _("payment methods")
        ordering = ("-is_default", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=("provider", "provider_reference"), name="billing_method_reference_unique"
            ),
            models.UniqueConstraint(
                fields=("organization",),
                condition=Q(is_default=True, detached_at__isnull=True),
                name="billing_method_one_default",
            ),
        )

    def __str__(self) -> str:
        return f"{self.brand.capitalize()} …{self.last_four}"


class BillingPeriod(Entity):
    """One half-open period of a subscription, in UTC, computed in the account's time zone."""

    id_prefix = "per"

    consumer_organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+"
    )
    provider_organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+"
    )
    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="periods")
    price_version = models.ForeignKey(PriceVersion, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveIntegerField(_("number"))
    period_start = models.DateTimeField(_("from"))
    period_end = models.DateTimeField(_("until (exclusive)"))
    status = models.CharField(
        _("status"), max_length=8, choices=PeriodStatus, default=PeriodStatus.OPEN
    )
    closing_since = models.DateTimeField(_("closing since"), null=True)
    closed_at = models.DateTimeField(_("closed"), null=True)

    objects = TwoSidedQuerySet.as_manager()

    class Meta:
        """Numbered from 0 without gaps; one open period per subscription."""

        verbose_name = _("billing period")
        verbose_name_plural = _("billing periods")
        ordering = ("-period_start",)
        constraints = (
            models.UniqueConstraint(
                fields=("subscription", "number"), name="billing_period_number_unique"
            ),
            models.UniqueConstraint(
                fields=("subscription", "period_start"), name="billing_period_start_unique"
            ),
            models.UniqueConstraint(
                fields=("subscription",),
                condition=Q(status="open"),
                name="billing_period_one_open",
            ),
            models.CheckConstraint(
                condition=Q(period_end__gt=F("period_start")), name="billing_period_range"
            ),
        )
        indexes = (models.Index(fields=("status", "period_end"), name="billing_period_due"),)

    def __str__(self) -> str:
        return f"{self.period_start:%Y-%m-%d} – {self.period_end:%Y-%m-%d}"


class RatingRun(Entity):
    """One rating of a period: which windows at which revision went in, and what came out."""

    id_prefix = "run"

    period = models.ForeignKey(BillingPeriod, on_delete=models.PROTECT, related_name="rating_runs")
    number = models.PositiveIntegerField(_("run"))
    rated_at = models.DateTimeField(_("rated"))
    window_revisions = models.JSONField(_("window revisions"), default=dict)
    is_final = models.BooleanField(_("final"), default=True)

    class Meta:
        """Runs are numbered per period."""

        verbose_name = _("rating run")
        verbose_name_plural = _("rating runs")
        constraints = (
            models.UniqueConstraint(fields=("period", "number"), name="billing_run_unique"),
        )

    def __str__(self) -> str:
        return f"{self.period} #{self.number}"


class RatedCharge(Entity):
    """What one price component costs in one run, with the calculation that says why."""

    id_prefix = "chg"

    consumer_organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+"
    )
    provider_organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+"
    )
    run = models.ForeignKey(RatingRun, on_delete=models.PROTECT, related_name="charges")
    component_id = models.UUIDField(_("price component"))
    meter = models.CharField(_("meter"), max_length=60)
    name = models.CharField(_("name"), max_length=120)
    quantity = models.DecimalField(_("quantity"), max_digits=30, decimal_places=12)
    amount = models.DecimalField(_("amount"), max_digits=30, decimal_places=12)
    currency = models.CharField(_("currency"), max_length=3)
    calculation = models.JSONField(_("calculation"))

    objects = TwoSidedQuerySet.as_manager()

    class Meta:
        """One charge per component and run."""

        verbose_name = _("rated charge")
        verbose_name_plural = _("rated charges")
        constraints = (
            models.UniqueConstraint(fields=("run", "component_id"), name="billing_charge_unique"),
        )

    def __str__(self) -> str:
        return f"{self.name}: {self.amount} {self.currency}"


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


class Payment(Entity):
    """An attempt to pay an invoice. Reserved here first, then asked of the provider with our id as its key."""

    id_prefix = "pay"

    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="payments"
    )
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="payments")
    method = models.ForeignKey(PaymentMethod, on_delete=models.PROTECT, null=True, related_name="+")
    provider = models.CharField(_("provider"), max_length=8, choices=PaymentProvider)
    provider_reference = models.CharField(_("reference"), max_length=64, blank=True)
    status = models.CharField(
        _("status"), max_length=20, choices=PaymentStatus, default=PaymentStatus.PENDING
    )
    amount_minor = models.BigIntegerField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    failure_code = models.CharField(_("failure"), max_length=60, blank=True)
    failure_message = models.TextField(_("failure message"), blank=True)
    completed_at = models.DateTimeField(_("completed"), null=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        """One payment at a time is under way for an invoice."""

        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("invoice",),
                condition=Q(status__in=["pending", "processing", "requires_action"]),
                name="billing_payment_one_under_way",
            ),
            models.UniqueConstraint(
                fields=("provider", "provider_reference"),
                condition=~Q(provider_reference=""),
                name="billing_payment_reference_unique",
            ),
        )

    def __str__(self) -> str:
        return f"{self.provider} {self.amount_minor} {self.currency}"

    @property
    def amount(self) -> Money:
        """What is asked for."""
        return Money(self.amount_minor, self.currency)


class Earning(Entity):
    """A provider's share of one paid invoice line: gross less the marketplace's fee."""

    id_prefix = "ern"

    provider_organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="earnings"
    )
    consumer_organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+"
    )
    line = models.OneToOneField(InvoiceLine, on_delete=models.PROTECT, related_name="earning")
    status = models.CharField(
        _("status"), max_length=12, choices=EarningStatus, default=EarningStatus.ACCRUED
    )
    gross_minor = models.BigIntegerField(_("gross"))
    fee_minor = models.BigIntegerField(_("fee"))
    net_minor = models.BigIntegerField(_("net"))
    fee_percent = models.DecimalField(_("fee percent"), max_digits=7, decimal_places=4)
    currency = models.CharField(_("currency"), max_length=3)
    is_sandbox = models.BooleanField(_("sandbox"), default=False)
    available_at = models.DateTimeField(_("payable from"), null=True)

    objects = TwoSidedQuerySet.as_manager()

    class Meta:
        """Net is gross less fee, to the cent."""

        verbose_name = _("earning")
        verbose_name_plural = _("earnings")
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(
                condition=Q(net_minor=F("gross_minor") - F("fee_minor")),
                name="billing_earning_adds_up",
            ),
        )

    def __str__(self) -> str:
        return f"{self.net_minor} {self.currency}"
