"""Prices. A price version never changes once it is published; a subscription points at one."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.db.models import JSONField, Q, Value
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.core.models import Entity
from apps.core.querysets import TenantQuerySet
from apps.pricing.enums import (
    Alignment,
    BillableStatuses,
    BillingInterval,
    PackageRoundings,
    PriceModel,
    QuotaKind,
)
from apps.pricing.models.plans import Plan

CALLS_METER: Final = "calls"


class PriceVersion(Entity):
    """What a plan costs and allows from some moment on. Immutable once published."""

    id_prefix = "prv"

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField(_("version"))
    currency = models.CharField(_("currency"), max_length=3)
    interval = models.CharField(
        _("billing interval"), max_length=9, choices=BillingInterval, default=BillingInterval.MONTH
    )
    interval_count = models.PositiveSmallIntegerField(_("every"), default=1)
    alignment = models.CharField(
        _("periods begin"),
        max_length=11,
        choices=Alignment,
        default=Alignment.ANNIVERSARY,
        db_default=Alignment.ANNIVERSARY,
    )
    quota_calls = models.PositiveBigIntegerField(_("quota (calls per period)"), null=True)
    quota_kind = models.CharField(
        _("quota kind"), max_length=4, choices=QuotaKind, default=QuotaKind.HARD
    )
    billable_statuses = models.CharField(
        _("billed answers"),
        max_length=8,
        choices=BillableStatuses,
        default=BillableStatuses.SUCCESS,
    )
    rate_per_second = models.PositiveIntegerField(_("calls per second"), null=True)
    rate_per_minute = models.PositiveIntegerField(_("calls per minute"), null=True)
    rate_per_hour = models.PositiveIntegerField(_("calls per hour"), null=True)
    rate_per_day = models.PositiveIntegerField(_("calls per day"), null=True)
    # A list of {"key", "label"}: what the plan can do beside calls, in the provider's words.
    features = models.JSONField(
        _("features"), default=list, db_default=Value([], JSONField()), blank=True
    )
    # The row of position 0 is in the plan's default currency; the others say the same terms in another one.
    position = models.PositiveSmallIntegerField(_("position"), default=0, db_default=0)
    published_by_user_id = models.UUIDField(null=True)
    # Where the price came from, if a plan was made from the operator's catalogue.
    model_version = models.ForeignKey(
        "pricing.CatalogueModelVersion",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("pricing model"),
    )
    published_at = models.DateTimeField(_("published"), null=True)
    is_current = models.BooleanField(_("current"), default=False)

    objects = TenantQuerySet.as_manager()

    class Meta:
        """Numbers count up per plan; a number has a row per currency; one number is current."""

        verbose_name = _("price version")
        verbose_name_plural = _("price versions")
        ordering = ("-number", "position")
        constraints = (
            models.UniqueConstraint(
                fields=("plan", "number", "currency"), name="pricing_version_unique"
            ),
            models.UniqueConstraint(
                fields=("plan", "currency"),
                condition=Q(is_current=True),
                name="pricing_version_one_current",
            ),
        )

    def __str__(self) -> str:
        return f"{self.plan} v{self.number} {self.currency}"


class PriceComponent(Entity):
    """One priced thing of a version: a fee, or the use of a meter. `unit_price` is per unit or per package."""

    id_prefix = "prc"

    version = models.ForeignKey(PriceVersion, on_delete=models.CASCADE, related_name="components")
    meter = models.CharField(_("meter"), max_length=60, default=CALLS_METER)
    name = models.CharField(_("name"), max_length=80)
    model = models.CharField(_("model"), max_length=24, choices=PriceModel)
    unit_price = models.DecimalField(_("unit price"), max_digits=30, decimal_places=12, null=True)
    flat_fee = models.DecimalField(_("flat fee"), max_digits=30, decimal_places=12, null=True)
    free_units = models.DecimalField(_("free units"), max_digits=30, decimal_places=12, default=0)
    package_size = models.DecimalField(
        _("package size"), max_digits=30, decimal_places=12, null=True
    )
    package_rounding = models.CharField(
        _("package rounding"),
        max_length=4,
        choices=PackageRoundings,
        default=PackageRoundings.UP,
        db_default=PackageRoundings.UP,
    )
    rate_percent = models.DecimalField(_("percent"), max_digits=30, decimal_places=12, null=True)
    # Of a percentage that charges each event by itself.
    fixed_fee = models.DecimalField(_("fee per event"), max_digits=30, decimal_places=12, null=True)
    free_events = models.PositiveIntegerField(_("free events"), null=True)
    free_amount = models.DecimalField(_("free amount"), max_digits=30, decimal_places=12, null=True)
    min_per_event = models.DecimalField(
        _("minimum per event"), max_digits=30, decimal_places=12, null=True
    )
    max_per_event = models.DecimalField(
        _("maximum per event"), max_digits=30, decimal_places=12, null=True
    )
    min_spend = models.DecimalField(_("minimum spend"), max_digits=30, decimal_places=12, null=True)
    max_spend = models.DecimalField(_("maximum spend"), max_digits=30, decimal_places=12, null=True)
    # Values that the priced part of the usage has, by dimension of the meter; empty for all that is left.
    dimensions = models.JSONField(_("dimensions"), default=dict, db_default={}, blank=True)
    # `operation`, `factor` and `rounding`, as the REST API takes them; null: the meter's units are priced.
    conversion = models.JSONField(_("conversion"), null=True, blank=True)
    billed_in_advance = models.BooleanField(_("billed in advance"), default=False)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        """One component per meter, and part of it, within a version."""

        verbose_name = _("price component")
        verbose_name_plural = _("price components")
        ordering = ("position", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("version", "meter", "dimensions"), name="pricing_component_part_unique"
            ),
        )

    def __str__(self) -> str:
        return self.name


class Tier(Entity):
    """A step of a tiered component: the units in (previous `up_to`, `up_to`]; null is without end."""

    id_prefix = "tir"

    component = models.ForeignKey(PriceComponent, on_delete=models.CASCADE, related_name="tiers")
    position = models.PositiveSmallIntegerField(_("position"))
    up_to = models.DecimalField(_("up to"), max_digits=30, decimal_places=12, null=True)
    unit_price = models.DecimalField(_("unit price"), max_digits=30, decimal_places=12)
    flat_fee = models.DecimalField(_("flat fee"), max_digits=30, decimal_places=12, default=0)
    package_size = models.DecimalField(
        _("package size"), max_digits=30, decimal_places=12, null=True
    )
    rate_percent = models.DecimalField(
        _("percent"), max_digits=30, decimal_places=12, default=0, db_default=0
    )

    class Meta:
        """In order; positions are unique within a component."""

        verbose_name = _("tier")
        verbose_name_plural = _("tiers")
        ordering = ("position",)
        constraints = (
            models.UniqueConstraint(fields=("component", "position"), name="pricing_tier_unique"),
            models.CheckConstraint(
                condition=Q(up_to__isnull=True) | Q(up_to__gt=0), name="pricing_tier_up_to"
            ),
        )

    def __str__(self) -> str:
        return f"≤ {self.up_to or '∞'}"
