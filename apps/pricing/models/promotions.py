"""Promotions: what lowers a subscriber's bill."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.core.models import Entity
from apps.core.querysets import TenantQuerySet


class Promotion(Entity):
    """A code that lowers what a subscriber pays."""

    id_prefix = "prm"

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    code = models.CharField(_("code"), max_length=40)
    percent_off = models.DecimalField(_("percent off"), max_digits=5, decimal_places=2, null=True)
    amount_off_minor = models.BigIntegerField(_("amount off"), null=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    starts_at = models.DateTimeField(_("from"), null=True)
    ends_at = models.DateTimeField(_("until"), null=True)
    max_redemptions = models.PositiveIntegerField(_("at most"), null=True)
    is_active = models.BooleanField(_("active"), default=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        """A code takes off a percentage or an amount, not both."""

        verbose_name = _("promotion")
        verbose_name_plural = _("promotions")
        constraints = (
            models.UniqueConstraint(
                fields=("organization", "code"), name="pricing_promotion_code_unique"
            ),
            models.CheckConstraint(
                condition=Q(percent_off__isnull=True) ^ Q(amount_off_minor__isnull=True),
                name="pricing_promotion_one_kind",
            ),
        )

    def __str__(self) -> str:
        return self.code
