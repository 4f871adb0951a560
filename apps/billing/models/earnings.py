"""What providers earn, and give back."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.billing.enums import EarningStatus
from apps.billing.models.common import TwoSidedQuerySet
from apps.billing.models.invoices import InvoiceLine
from apps.billing.models.refunds import CreditNoteLine
from apps.core.models import Entity


class Earning(Entity):
    """A provider's share of one paid invoice line: gross less the marketplace's fee.

    What a credit note takes back of it is a row of its own, with negative amounts; the first row stays as it is.
    """

    id_prefix = "ern"

    provider_organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="earnings"
    )
    consumer_organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+"
    )
    line = models.ForeignKey(InvoiceLine, on_delete=models.PROTECT, related_name="earnings")
    credit_line = models.OneToOneField(
        CreditNoteLine, on_delete=models.PROTECT, null=True, related_name="earning"
    )
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
            models.UniqueConstraint(
                fields=("line",),
                condition=Q(credit_line__isnull=True),
                name="billing_earning_once_per_line",
            ),
            models.CheckConstraint(
                condition=Q(net_minor=F("gross_minor") - F("fee_minor")),
                name="billing_earning_adds_up",
            ),
        )

    def __str__(self) -> str:
        return f"{self.net_minor} {self.currency}"
