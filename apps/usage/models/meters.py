"""What is counted of an API's calls, and what could not be counted."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.apis.models import Api
from apps.core.models import Entity
from apps.core.querysets import TenantQuerySet
from apps.pricing.calculator.quantities import (
    Conversion,
    QuantityRounding,
    convert_quantity,
    round_quantity,
)
from apps.usage.constants import DEFAULT_WATERMARK_DELAY_S, MAX_WATERMARK_DELAY_S
from apps.usage.enums import (
    Aggregation,
    MeterErrorCode,
    MeterSource,
    UnitConversion,
    UnitRounding,
    WindowSize,
)


class Meter(Entity):
    """What a provider counts of an API beside `calls`, which every API has without a row here.

    `filters` is a list of `{"property", "operator", "value"}`, all of which must hold. `group_by` is a list of
    `{"property", "values"}`: windows are kept for each of these values, and for `other`. `endpoints` are the pairs of method
    and path template among which a filter or dimension named `endpoint` looks, as the API had them then. It counts events decided from
    its creation until it is archived, so that computing its windows again gives the same.
    """

    id_prefix = "mtr"

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    api = models.ForeignKey(Api, on_delete=models.PROTECT, related_name="meters")
    key = models.SlugField(_("key"), max_length=60)
    name = models.CharField(_("name"), max_length=80)
    unit = models.CharField(_("unit"), max_length=40, blank=True)
    source = models.CharField(
        _("source"), max_length=16, choices=MeterSource, default=MeterSource.CALLS
    )
    property_name = models.CharField(_("property or header"), max_length=60, blank=True)
    aggregation = models.CharField(
        _("aggregation"), max_length=16, choices=Aggregation, default=Aggregation.COUNT
    )
    filters = models.JSONField(_("filters"), default=list, blank=True)
    group_by = models.JSONField(_("dimensions"), default=list, blank=True)
    endpoints = models.JSONField(
        _("endpoints"),
        default=list,
        db_default=models.Value([], models.JSONField()),
        blank=True,
        editable=False,
    )
    conversion = models.CharField(
        _("conversion"),
        max_length=8,
        choices=UnitConversion,
        default=UnitConversion.NONE,
        blank=True,
    )
    conversion_factor = models.DecimalField(
        _("conversion factor"), max_digits=30, decimal_places=12, default=Decimal(1)
    )
    rounding = models.CharField(
        _("rounding"), max_length=8, choices=UnitRounding, default=UnitRounding.NONE
    )
    rounding_places = models.SmallIntegerField(_("decimals"), default=0)
    window_s = models.PositiveIntegerField(_("window"), choices=WindowSize, default=WindowSize.HOUR)
    watermark_delay_s = models.PositiveIntegerField(
        _("watermark delay (seconds)"), default=DEFAULT_WATERMARK_DELAY_S
    )
    archived_at = models.DateTimeField(_("archived"), null=True, editable=False)

    objects = TenantQuerySet.as_manager()

    class Meta:
        """Keys are unique per API."""

        verbose_name = _("meter")
        verbose_name_plural = _("meters")
        ordering = ("key",)
        constraints = (
            models.UniqueConstraint(fields=("api", "key"), name="usage_meter_key_unique"),
            models.CheckConstraint(
                condition=Q(conversion_factor__gt=0), name="usage_meter_factor_positive"
            ),
            models.CheckConstraint(
                condition=Q(window_s__in=WindowSize.values), name="usage_meter_window_size"
            ),
            models.CheckConstraint(
                condition=Q(watermark_delay_s__lte=MAX_WATERMARK_DELAY_S),
                name="usage_meter_delay_bounded",
            ),
        )

    def __str__(self) -> str:
        return self.name

    def priced_units(self, quantity: Decimal) -> Decimal:
        """Convert and round a period's quantity, as it is priced. Done once per period, never for a window."""
        if self.conversion:
            quantity = convert_quantity(
                quantity,
                Conversion(self.conversion),
                self.conversion_factor,
                QuantityRounding.NONE,
            )
        return round_quantity(quantity, QuantityRounding(self.rounding), self.rounding_places)


class MeterError(Entity):
    """Events that gave a meter no value, counted by reason, with the last of them as a sample."""

    id_prefix = "mer"

    meter = models.ForeignKey(Meter, on_delete=models.CASCADE, related_name="errors")
    code = models.CharField(_("reason"), max_length=16, choices=MeterErrorCode)
    count = models.PositiveBigIntegerField(_("events"), default=0)
    last_event_id = models.UUIDField(_("last event"))
    last_at = models.DateTimeField(_("last time"))
    sample = models.CharField(_("sample"), max_length=200, blank=True)

    class Meta:
        """One row per meter and reason."""

        verbose_name = _("meter error")
        verbose_name_plural = _("meter errors")
        ordering = ("code",)
        constraints = (
            models.UniqueConstraint(fields=("meter", "code"), name="usage_meter_error_unique"),
        )

    def __str__(self) -> str:
        return f"{self.code} {self.count}"
