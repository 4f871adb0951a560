"""Quotas as last compared, and who was told that they run low."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.models import Entity
from apps.subscriptions.models import Subscription
from apps.usage.enums import AlertKind


class QuotaState(Entity):
    """How much of a period's quota a subscription has used, as last compared with the store."""

    id_prefix = "quo"

    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="quotas")
    period_start = models.DateTimeField(_("from"))
    period_end = models.DateTimeField(_("until (exclusive)"))
    limit_calls = models.PositiveBigIntegerField(_("limit"), null=True)
    used_calls = models.PositiveBigIntegerField(_("used"), default=0)
    compared_at = models.DateTimeField(_("compared"), null=True)

    class Meta:
        """One row per subscription and period."""

        verbose_name = _("quota state")
        verbose_name_plural = _("quota states")
        constraints = (
            models.UniqueConstraint(
                fields=("subscription", "period_start"), name="usage_quota_unique"
            ),
        )

    def __str__(self) -> str:
        return f"{self.used_calls}/{self.limit_calls or '∞'}"


class UsageAlert(Entity):
    """A consumer was told that a quota or a spend cap runs low; once per period, bound and threshold.

    The bound is a number of calls: after a top-up or a plan change there is another one to run low.
    """

    id_prefix = "ual"

    subscription = models.ForeignKey(
        Subscription, on_delete=models.CASCADE, related_name="usage_alerts"
    )
    kind = models.CharField(_("kind"), max_length=10, choices=AlertKind)
    period_start = models.DateTimeField(_("from"))
    period_end = models.DateTimeField(_("until (exclusive)"))
    threshold_percent = models.PositiveSmallIntegerField(_("threshold (%)"))
    bound_calls = models.PositiveBigIntegerField(_("of (calls)"))
    used_calls = models.PositiveBigIntegerField(_("used (calls)"))

    class Meta:
        """Newest first."""

        verbose_name = _("usage alert")
        verbose_name_plural = _("usage alerts")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("subscription", "kind", "period_start", "bound_calls", "threshold_percent"),
                name="usage_alert_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.threshold_percent} %"
