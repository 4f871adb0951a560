"""What organizations mean to spend or to use in a period, and who was told that it runs out."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.enums import Role
from apps.accounts.models import Organization
from apps.apis.models import Api
from apps.core.models import Entity
from apps.core.money import Money
from apps.core.querysets import TenantQuerySet
from apps.pricing.models import CALLS_METER
from apps.subscriptions.models import Subscription
from apps.usage.enums import BudgetPeriod


def default_thresholds() -> list[int]:
    """Return the percentages at which a budget tells."""
    return [50, 80, 100]


def default_projected_thresholds() -> list[int]:
    """Return the percentages of the expected amount at which a budget tells."""
    return [100]


def default_roles() -> list[str]:
    """Return whom a budget tells."""
    return [Role.OWNER, Role.ADMIN, Role.BILLING]


class Budget(Entity):
    """An amount of money, or a quantity, that an organization means to stay within. It tells, and stops nothing.

    It covers the whole organization, one API, or one subscription. Either `amount_minor` with `currency` is set, or
    `quantity`, which is of `meter`.
    """

    id_prefix = "bud"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="budgets")
    name = models.CharField(_("name"), max_length=80)
    subscription = models.ForeignKey(
        Subscription, on_delete=models.CASCADE, related_name="budgets", null=True
    )
    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="+", null=True)
    amount_minor = models.BigIntegerField(_("amount (minor units)"), null=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    quantity = models.DecimalField(_("quantity"), max_digits=30, decimal_places=12, null=True)
    meter = models.CharField(_("meter"), max_length=60, default=CALLS_METER)
    period = models.CharField(
        _("period"), max_length=15, choices=BudgetPeriod, default=BudgetPeriod.CALENDAR_MONTH
    )
    thresholds = ArrayField(
        models.PositiveSmallIntegerField(),
        default=default_thresholds,
        blank=True,
        verbose_name=_("thresholds (%)"),
    )
    projected_thresholds = ArrayField(
        models.PositiveSmallIntegerField(),
        default=default_projected_thresholds,
        blank=True,
        verbose_name=_("thresholds of what is expected (%)"),
    )
    roles = ArrayField(
        models.CharField(max_length=12, choices=Role),
        default=default_roles,
        verbose_name=_("who is told"),
    )
    looked_at = models.DateTimeField(_("looked at"), null=True)
    archived_at = models.DateTimeField(_("archived"), null=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        """Money or a quantity, of everything or of one thing."""

        verbose_name = _("budget")
        verbose_name_plural = _("budgets")
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(
                condition=(
                    # An unknown comparison passes a check, so what must be there is named.
                    Q(amount_minor__isnull=False, amount_minor__gt=0, quantity__isnull=True)
                    & ~Q(currency="")
                )
                | Q(amount_minor__isnull=True, quantity__isnull=False, quantity__gt=0, currency=""),
                name="usage_budget_money_or_quantity",
            ),
            models.CheckConstraint(
                condition=Q(subscription__isnull=True) | Q(api__isnull=True),
                name="usage_budget_one_scope",
            ),
            models.CheckConstraint(
                condition=Q(subscription__isnull=False) | Q(period=BudgetPeriod.CALENDAR_MONTH),
                name="usage_budget_period_of_subscription",
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def amount(self) -> Money | None:
        """The money of a budget of costs."""
        return None if self.amount_minor is None else Money(self.amount_minor, self.currency)


class BudgetAlert(Entity):
    """Somebody was told that a budget runs out: once per period, bound and threshold.

    `used` and `bound` are in units of the currency, or of the meter. After a change of the amount there is another
    bound to run into.
    """

    id_prefix = "bal"

    budget = models.ForeignKey(Budget, on_delete=models.CASCADE, related_name="alerts")
    period_start = models.DateTimeField(_("from"))
    period_end = models.DateTimeField(_("until (exclusive)"))
    threshold_percent = models.PositiveSmallIntegerField(_("threshold (%)"))
    is_projected = models.BooleanField(_("of what is expected"), default=False)
    bound = models.DecimalField(_("of"), max_digits=30, decimal_places=12)
    used = models.DecimalField(_("used"), max_digits=30, decimal_places=12)

    class Meta:
        """Newest first."""

        verbose_name = _("budget alert")
        verbose_name_plural = _("budget alerts")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("budget", "period_start", "is_projected", "bound", "threshold_percent"),
                name="usage_budget_alert_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.threshold_percent} %"
