"""Attempts to pay, and how much of them was given back."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.billing.enums import PaymentProvider, PaymentStatus
from apps.billing.models.accounts import PaymentMethod
from apps.billing.models.invoices import Invoice
from apps.core.models import Entity
from apps.core.money import Money
from apps.core.querysets import TenantQuerySet


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
    refunded_minor = models.BigIntegerField(_("refunded"), default=0)
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
            models.CheckConstraint(
                condition=Q(refunded_minor__gte=0, refunded_minor__lte=F("amount_minor")),
                name="billing_payment_refunded_at_most",
            ),
        )

    def __str__(self) -> str:
        return f"{self.provider} {self.amount_minor} {self.currency}"

    @property
    def amount(self) -> Money:
        """What is asked for."""
        return Money(self.amount_minor, self.currency)

    @property
    def refunded(self) -> Money:
        """What was given back of it."""
        return Money(self.refunded_minor, self.currency)
