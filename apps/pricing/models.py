"""Plans and their prices. A price version never changes; a subscription points at one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.apis.models import Api
from apps.core.models import Entity
from apps.core.querysets import TenantQuerySet
from apps.pricing.enums import BillableStatuses, BillingInterval, PlanStatus, PriceModel, QuotaKind

if TYPE_CHECKING:
    from apps.core.actors import Actor

CALLS_METER = "calls"
DEFAULT_KEY_ROTATION_DAYS = 90
MAX_KEY_ROTATION_DAYS = 365


class PlanQuerySet(TenantQuerySet["Plan"]):
    """Plans as their provider, or subscribers, may read them."""

    def offered(self) -> Self:
        """Keep plans that new subscribers may choose."""
        return self.filter(status=PlanStatus.PUBLISHED, is_private=False)

    def readable_by(self, actor: Actor) -> Self:
        """Keep offered plans of APIs that the actor may read, and the actor's own."""
        readable = Api.objects.open_to(actor.organization_id)
        offered = Q(status=PlanStatus.PUBLISHED, is_private=False, api__in=readable.values("pk"))
        if actor.sees_every_tenant:
            return self.all()
        if actor.organization_id is None:
            return self.filter(offered)
        return self.filter(offered | Q(organization_id=actor.organization_id))


class Plan(Entity):
    """An offer for one API: limits and, by its current price version, prices."""

    id_prefix = "pln"

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    api = models.ForeignKey(Api, on_delete=models.PROTECT, related_name="plans")
    name = models.CharField(_("name"), max_length=80)
    slug = models.SlugField(_("slug"), max_length=60)
    description = models.CharField(_("description"), max_length=300, blank=True)
    status = models.CharField(
        _("status"), max_length=12, choices=PlanStatus, default=PlanStatus.DRAFT
    )
    is_private = models.BooleanField(_("private"), default=False)
    requires_approval = models.BooleanField(_("subscriptions need approval"), default=False)
    trial_days = models.PositiveSmallIntegerField(_("trial days"), default=0)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    key_limit = models.PositiveSmallIntegerField(_("active keys"), default=5)
    # None: as long as the platform allows.
    key_max_days = models.PositiveSmallIntegerField(
        _("a key lives at most (days)"), null=True, blank=True
    )
    # Empty: keys are not rotated by themselves unless their owner asks for it.
    key_rotation_days = models.PositiveSmallIntegerField(
        _("keys are rotated every (days)"),
        null=True,
        blank=True,
        default=DEFAULT_KEY_ROTATION_DAYS,
        db_default=DEFAULT_KEY_ROTATION_DAYS,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_KEY_ROTATION_DAYS)],
    )
    key_rotation_optional = models.BooleanField(
        _("subscribers may switch rotation off"), default=True, db_default=True
    )

    objects = PlanQuerySet.as_manager()

    class Meta:
        """Slugs are unique per API."""

        verbose_name = _("plan")
        verbose_name_plural = _("plans")
        ordering = ("position", "id")
        constraints = (
            models.UniqueConstraint(fields=("api", "slug"), name="pricing_plan_slug_unique"),
            models.CheckConstraint(
                condition=Q(key_rotation_days__isnull=True)
                | Q(key_rotation_days__range=(1, MAX_KEY_ROTATION_DAYS)),
                name="pricing_plan_key_rotation_days",
            ),
        )

    def __str__(self) -> str:
        return self.name


class PriceVersion(Entity):
    """What a plan costs and allows from some moment on. Immutable once published."""

    id_prefix = "prv"

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField(_("version"))
    currency = models.CharField(_("currency"), max_length=3)
    interval = models.CharField(
        _("billing interval"), max_length=5, choices=BillingInterval, default=BillingInterval.MONTH
    )
    interval_count = models.PositiveSmallIntegerField(_("every"), default=1)
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
    published_at = models.DateTimeField(_("published"), null=True)
    is_current = models.BooleanField(_("current"), default=False)

    objects = TenantQuerySet.as_manager()

    class Meta:
        """Numbers count up per plan; one version is current."""

        verbose_name = _("price version")
        verbose_name_plural = _("price versions")
        ordering = ("-number",)
        constraints = (
            models.UniqueConstraint(fields=("plan", "number"), name="pricing_version_unique"),
            models.UniqueConstraint(
                fields=("plan",), condition=Q(is_current=True), name="pricing_version_one_current"
            ),
        )

    def __str__(self) -> str:
        return f"{self.plan} v{self.number}"


class PriceComponent(Entity):
    """One priced thing of a version: a base fee, or the use of a meter."""

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
    rate_percent = models.DecimalField(_("percent"), max_digits=12, decimal_places=6, null=True)
    billed_in_advance = models.BooleanField(_("billed in advance"), default=False)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        """One component per meter and model within a version."""

        verbose_name = _("price component")
        verbose_name_plural = _("price components")
        ordering = ("position", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("version", "meter", "name"), name="pricing_component_unique"
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
