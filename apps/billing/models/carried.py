"""What an invoice could not take off, because it never goes below zero: it waits for the next one."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.billing.models.invoices import InvoiceLine
from apps.core.models import Entity
from apps.core.money import Money
from apps.core.querysets import TenantQuerySet


class CarriedCredit(Entity):
    """A credit that one invoice carries to the next: positive amounts, before tax and the tax.

    `from_line` is the line that took it off the earlier invoice, `used_line` the one that brings it to a later invoice.
    What a later invoice uses in part becomes two rows.
    """

    id_prefix = "ccr"

    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="carried_credits"
    )
    provider_organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", null=True
    )
    from_line = models.ForeignKey(InvoiceLine, on_delete=models.PROTECT, related_name="carried_on")
    used_line = models.OneToOneField(
        InvoiceLine, on_delete=models.PROTECT, null=True, related_name="carried_credit"
    )
    amount_minor = models.BigIntegerField(_("amount"))
    tax_minor = models.BigIntegerField(_("tax"), default=0)
    tax_percent = models.DecimalField(_("tax percent"), max_digits=7, decimal_places=4, default=0)
    currency = models.CharField(_("currency"), max_length=3)

    objects = TenantQuerySet.as_manager()

    class Meta:
        """Never of nothing."""

        verbose_name = _("carried credit")
        verbose_name_plural = _("carried credits")
        ordering = ("id",)
        constraints = (
            models.CheckConstraint(
                condition=Q(amount_minor__gte=0) & Q(tax_minor__gte=0),
                name="billing_carried_not_negative",
            ),
        )
        indexes = (
            models.Index(
                fields=("organization", "currency"),
                condition=Q(used_line__isnull=True),
                name="billing_carried_waiting",
            ),
        )

    def __str__(self) -> str:
        return str(self.total)

    @property
    def total(self) -> Money:
        """What a later invoice has to take off, tax included."""
        return Money(self.amount_minor + self.tax_minor, self.currency)
