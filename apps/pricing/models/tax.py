"""Tax rates by region."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.core.models import Entity


class TaxRate(Entity):
    """The tax of a region, from some date on."""

    id_prefix = "txr"

    country = models.CharField(_("country"), max_length=2)
    region = models.CharField(_("region"), max_length=20, blank=True)
    name = models.CharField(_("name"), max_length=40)
    percent = models.DecimalField(_("percent"), max_digits=7, decimal_places=4)
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid to (exclusive)"), null=True)

    class Meta:
        """A region has one rate that starts on a date."""

        verbose_name = _("tax rate")
        verbose_name_plural = _("tax rates")
        constraints = (
            models.UniqueConstraint(
                fields=("country", "region", "name", "valid_from"), name="pricing_taxrate_unique"
            ),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")),
                name="pricing_taxrate_range",
            ),
        )

    def __str__(self) -> str:
        return f"{self.country} {self.name} {self.percent} %"
