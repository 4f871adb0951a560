"""What is counted of an API's calls."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.apis.models import Api
from apps.core.models import Entity
from apps.core.querysets import TenantQuerySet
from apps.pricing.models import CALLS_METER
from apps.usage.enums import Aggregation


class Meter(Entity):
    """What is counted of an API's calls. Every API has `calls`; providers may add others."""

    id_prefix = "mtr"

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    api = models.ForeignKey(Api, on_delete=models.PROTECT, related_name="meters")
    key = models.SlugField(_("key"), max_length=60, default=CALLS_METER)
    name = models.CharField(_("name"), max_length=80)
    aggregation = models.CharField(
        _("aggregation"), max_length=8, choices=Aggregation, default=Aggregation.COUNT
    )
    property_name = models.CharField(_("property"), max_length=60, blank=True)
    window_s = models.PositiveIntegerField(_("window (seconds)"), default=3600)
    watermark_delay_s = models.PositiveIntegerField(_("watermark delay (seconds)"), default=300)

    objects = TenantQuerySet.as_manager()

    class Meta:
        """Keys are unique per API."""

        verbose_name = _("meter")
        verbose_name_plural = _("meters")
        constraints = (
            models.UniqueConstraint(fields=("api", "key"), name="usage_meter_key_unique"),
        )

    def __str__(self) -> str:
        return self.name
