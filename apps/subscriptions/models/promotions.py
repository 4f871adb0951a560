"""Promotions that subscriptions have."""

from __future__ import annotations

from decimal import Decimal
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.core.models import Entity
from apps.core.money import Money
from apps.core.querysets import TenantQuerySet
from apps.pricing.models import Promotion
from apps.subscriptions.models.subscriptions import Subscription


class PromotionRedemptionQuerySet(TenantQuerySet["PromotionRedemption"]):
    """Redemptions as their consumer reads them."""

    tenant_fields = ("consumer_organization_id",)

    def running(self) -> Self:
        """Keep those that may still lower a bill, the first to apply first."""
        has_more = Q(periods__isnull=True) | Q(periods_used__lt=F("periods"))
        rows = self.filter(has_more, withdrawn_at__isnull=True).select_related("promotion")
        return rows.order_by("-promotion__priority", "promotion_id")


class PromotionRedemption(Entity):
    """A promotion that a subscription has: by a code, or because it applies by itself.

    `periods` is how many billing periods it lowers, as promised when it was redeemed (null: every one); `periods_used` counts its
    uses, and `amount_given_minor` sums what they took off.
    """

    id_prefix = "prr"

    consumer_organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+"
    )
    subscription = models.ForeignKey(
        Subscription, on_delete=models.PROTECT, related_name="redemptions"
    )
    promotion = models.ForeignKey(Promotion, on_delete=models.PROTECT, related_name="redemptions")
    redeemed_at = models.DateTimeField(_("redeemed"))
    periods = models.PositiveSmallIntegerField(_("periods"), null=True)
    periods_used = models.PositiveIntegerField(_("periods used"), default=0)
    amount_given_minor = models.BigIntegerField(_("given"), default=0)
    currency = models.CharField(_("currency"), max_length=3)
    # A sandbox's does not use up what others may redeem.
    is_counted = models.BooleanField(_("counts towards the maximum"), default=True)
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True)

    objects = PromotionRedemptionQuerySet.as_manager()

    class Meta:
        """A subscription has a promotion once; it never lowers more periods than promised."""

        verbose_name = _("promotion redemption")
        verbose_name_plural = _("promotion redemptions")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("subscription", "promotion"),
                condition=Q(withdrawn_at__isnull=True),
                name="subscriptions_promotion_once",
            ),
            models.CheckConstraint(
                condition=Q(periods__isnull=True) | Q(periods_used__lte=F("periods")),
                name="subscriptions_promotion_periods",
            ),
            models.CheckConstraint(
                condition=Q(amount_given_minor__gte=0), name="subscriptions_promotion_given"
            ),
        )

    def __str__(self) -> str:
        return f"{self.promotion} · {self.subscription_id}"

    @property
    def amount_given(self) -> Money:
        """What it has taken off so far."""
        return Money(self.amount_given_minor, self.currency)

    @property
    def periods_left(self) -> int | None:
        """How many more periods it lowers; None: every one."""
        return None if self.periods is None else self.periods - self.periods_used

    @property
    def is_running(self) -> bool:
        """Whether it may still lower a period that it has not lowered yet."""
        return self.withdrawn_at is None and self.periods_left != 0


class PromotionUse(Entity):
    """A billing period that a promotion has lowered, in however many bills: its parts, its fees in advance, its usage.

    `amount_minor` is what it took off all of them, less what was taken back with fees that were given back; `units` are the free
    units of it that the period has had.
    """

    id_prefix = "pru"

    redemption = models.ForeignKey(
        PromotionRedemption, on_delete=models.PROTECT, related_name="uses"
    )
    period_number = models.PositiveIntegerField(_("period"))
    amount_minor = models.BigIntegerField(_("given"), default=0)
    units = models.DecimalField(
        _("free units"), max_digits=30, decimal_places=12, default=Decimal(0)
    )

    class Meta:
        """A period is one use, however often it is billed."""

        verbose_name = _("promotion use")
        verbose_name_plural = _("promotion uses")
        ordering = ("period_number",)
        constraints = (
            models.UniqueConstraint(
                fields=("redemption", "period_number"), name="subscriptions_promotion_use_once"
            ),
            models.CheckConstraint(
                condition=Q(amount_minor__gte=0, units__gte=0),
                name="subscriptions_promotion_use_given",
            ),
        )

    def __str__(self) -> str:
        return f"{self.redemption_id} · {self.period_number}"
