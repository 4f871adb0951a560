"""Promotions: what lowers a subscriber's bill, for whom, how often and how long.

Source: docs/domain/promotions.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.apis.models import Category
from apps.core.models import Entity
from apps.core.querysets import TenantQuerySet
from apps.pricing.enums import PromotionDuration, PromotionKind
from apps.pricing.models.plans import Plan

if TYPE_CHECKING:
    from uuid import UUID

# Which field holds what a kind takes off. Free periods need none: their number is their duration.
VALUE_FIELDS: Final = {
    PromotionKind.PERCENTAGE: "percent_off",
    PromotionKind.FIXED_AMOUNT: "amount_off_minor",
    PromotionKind.FREE_UNITS: "free_units",
    PromotionKind.TIER_UPGRADE: "tiers_up",
}


def _one_value() -> Q:
    """Exactly the value of the kind is set."""
    condition = Q(
        kind=PromotionKind.FREE_PERIODS, **dict.fromkeys(_null(VALUE_FIELDS.values()), True)
    )
    for kind, name in VALUE_FIELDS.items():
        others = _null(other for other in VALUE_FIELDS.values() if other != name)
        given = {f"{name}__isnull": False}
        condition |= Q(kind=kind, **given, **dict.fromkeys(others, True))
    return condition


def _null(names: Iterable[str]) -> list[str]:
    return [f"{name}__isnull" for name in names]


class PromotionQuerySet(TenantQuerySet["Promotion"]):
    """Promotions as their owner reads them, and those that may reach a plan."""

    def of_operator(self) -> Self:
        """Keep the operator's own, which hold for every provider's plans."""
        return self.filter(organization__isnull=True)

    def reaching(self, *provider_ids: UUID) -> Self:
        """Keep those that may lower the bills of these providers' subscribers: their own, and the operator's."""
        return self.filter(Q(organization_id__in=provider_ids) | Q(organization__isnull=True))


class Promotion(Entity):
    """A reduction of bills, by a code that subscribers enter or by itself.

    Its owner bears it: the provider of the plans, or the operator where `organization` is empty. Codes are kept in capitals.
    """

    id_prefix = "prm"

    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    name = models.CharField(_("name"), max_length=80, default="")
    code = models.CharField(_("code"), max_length=40, blank=True)
    is_automatic = models.BooleanField(_("applies by itself"), default=False)
    kind = models.CharField(
        _("kind"), max_length=12, choices=PromotionKind, default=PromotionKind.PERCENTAGE
    )
    percent_off = models.DecimalField(_("percent off"), max_digits=5, decimal_places=2, null=True)
    amount_off_minor = models.BigIntegerField(_("amount off"), null=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    free_units = models.DecimalField(_("free units"), max_digits=30, decimal_places=12, null=True)
    tiers_up = models.PositiveSmallIntegerField(_("tiers up"), null=True)
    # Empty: all lines of the subscription.
    meter = models.CharField(_("meter"), max_length=60, blank=True)
    duration = models.CharField(
        _("duration"), max_length=8, choices=PromotionDuration, default=PromotionDuration.ONCE
    )
    duration_periods = models.PositiveSmallIntegerField(_("periods"), null=True)
    priority = models.PositiveSmallIntegerField(_("priority"), default=50)
    is_exclusive = models.BooleanField(_("stands alone"), default=False)
    starts_at = models.DateTimeField(_("from"), null=True)
    ends_at = models.DateTimeField(_("until"), null=True)
    max_redemptions = models.PositiveIntegerField(_("at most"), null=True)
    max_per_customer = models.PositiveIntegerField(_("per customer"), null=True, default=1)
    redemption_count = models.PositiveIntegerField(_("redeemed"), default=0)
    needs_first_subscription = models.BooleanField(_("first subscription only"), default=False)
    min_account_age_days = models.PositiveIntegerField(_("account at least (days)"), null=True)
    max_account_age_days = models.PositiveIntegerField(_("account at most (days)"), null=True)
    min_calls = models.PositiveBigIntegerField(_("calls of the period, at least"), null=True)
    countries = models.JSONField(_("countries"), default=list)
    plans = models.ManyToManyField(Plan, related_name="promotions", blank=True)
    categories = models.ManyToManyField(Category, related_name="+", blank=True)
    is_active = models.BooleanField(_("active"), default=True)

    objects = PromotionQuerySet.as_manager()

    class Meta:
        """A code is unique within its owner; one value, that of the kind; never redeemed more often than allowed."""

        verbose_name = _("promotion")
        verbose_name_plural = _("promotions")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("organization", "code"),
                condition=~Q(code=""),
                name="pricing_promotion_code_unique",
            ),
            models.UniqueConstraint(
                fields=("code",),
                condition=Q(organization__isnull=True) & ~Q(code=""),
                name="pricing_promotion_operator_code",
            ),
            models.CheckConstraint(
                condition=Q(is_automatic=True, code="") | (Q(is_automatic=False) & ~Q(code="")),
                name="pricing_promotion_code_or_itself",
            ),
            models.CheckConstraint(
                condition=Q(max_redemptions__isnull=True)
                | Q(redemption_count__lte=F("max_redemptions")),
                name="pricing_promotion_max_redemptions",
            ),
            models.CheckConstraint(condition=_one_value(), name="pricing_promotion_one_value"),
            models.CheckConstraint(
                condition=Q(percent_off__isnull=True) | Q(percent_off__gt=0, percent_off__lte=100),
                name="pricing_promotion_percent",
            ),
            models.CheckConstraint(
                condition=Q(amount_off_minor__isnull=True) | Q(amount_off_minor__gt=0),
                name="pricing_promotion_amount",
            ),
        )

    def __str__(self) -> str:
        return self.name or self.code

    @property
    def is_operators(self) -> bool:
        """Whether the operator bears it."""
        return self.organization_id is None

    @property
    def periods(self) -> int | None:
        """In how many periods of a subscription it takes something off; None: in every one."""
        if self.duration == PromotionDuration.FOREVER:
            return None
        return 1 if self.duration == PromotionDuration.ONCE else self.duration_periods or 1

    @property
    def state(self) -> str:
        """`active`, or `disabled` once its owner stopped it."""
        return "active" if self.is_active else "disabled"

    @property
    def left(self) -> int | None:
        """How many more times it can be redeemed; None: without limit."""
        if self.max_redemptions is None:
            return None
        return self.max_redemptions - self.redemption_count
