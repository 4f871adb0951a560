"""How organizations pay."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.billing.enums import PaymentProvider
from apps.core.models import Entity
from apps.core.querysets import TenantQuerySet


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
