"""Hours that differ from the same weekday and hour of the weeks before, and how much difference is told."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.apis.models import Api
from apps.core.models import Entity
from apps.core.querysets import TenantQuerySet
from apps.subscriptions.models import Subscription
from apps.usage.enums import AnomalyKind, Sensitivity


class UsageAnomaly(Entity):
    """An incident: from the first hour that was unlike its weekday until two hours in a row are as expected again.

    `subscription` is set for its consumer; without one it is the provider's, of the whole API. `observed`,
    `expected` and the band are calls in an hour, or for errors percent of the calls; of the hour that was furthest off.
    """

    id_prefix = "ano"

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="usage_anomalies"
    )
    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="+")
    subscription = models.ForeignKey(
        Subscription, on_delete=models.CASCADE, related_name="anomalies", null=True
    )
    kind = models.CharField(_("kind"), max_length=8, choices=AnomalyKind)
    started_at = models.DateTimeField(_("first hour"))
    last_hour = models.DateTimeField(_("last hour"))
    resolved_at = models.DateTimeField(_("over"), null=True)
    observed = models.FloatField(_("observed"))
    expected = models.FloatField(_("expected"))
    low = models.FloatField(_("expected at least"))
    high = models.FloatField(_("expected at most"))

    objects = TenantQuerySet.as_manager()

    class Meta:
        """One open incident per subject and kind."""

        verbose_name = _("usage anomaly")
        verbose_name_plural = _("usage anomalies")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("organization", "api", "subscription", "kind"),
                condition=Q(resolved_at__isnull=True),
                nulls_distinct=False,
                name="usage_anomaly_one_open",
            ),
            models.CheckConstraint(
                condition=Q(last_hour__gte=F("started_at")), name="usage_anomaly_hours"
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.started_at:%Y-%m-%d %H:%M}"

    @property
    def is_open(self) -> bool:
        """Whether it goes on."""
        return self.resolved_at is None


class AnomalySetting(Entity):
    """How much difference an organization wants to hear of: for all APIs (`api` empty), or for one."""

    id_prefix = "ans"

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="anomaly_settings"
    )
    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="+", null=True)
    sensitivity = models.CharField(_("sensitivity"), max_length=8, choices=Sensitivity)

    objects = TenantQuerySet.as_manager()

    class Meta:
        """One per organization and API."""

        verbose_name = _("anomaly setting")
        verbose_name_plural = _("anomaly settings")
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=("organization", "api"),
                nulls_distinct=False,
                name="usage_anomaly_setting_once",
            ),
        )

    def __str__(self) -> str:
        return self.sensitivity
