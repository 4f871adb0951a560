"""What calls add up to, and until when that is closed."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.core.models import Entity
from apps.subscriptions.models import Subscription
from apps.usage.enums import WindowStatus


class UsageWindow(Entity):
    """The quantity of one meter for one subscription (and key) in one window of business time."""

    id_prefix = "win"

    consumer_organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+"
    )
    provider_organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+"
    )
    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="windows")
    api_id = models.UUIDField(_("API"))
    meter = models.CharField(_("meter"), max_length=60)
    window_start = models.DateTimeField(_("from"))
    window_end = models.DateTimeField(_("until (exclusive)"))
    quantity = models.DecimalField(_("quantity"), max_digits=30, decimal_places=12, default=0)
    event_count = models.PositiveBigIntegerField(_("events"), default=0)
    error_count = models.PositiveBigIntegerField(_("errors"), default=0)
    revision = models.PositiveIntegerField(_("revision"), default=1)
    status = models.CharField(
        _("status"), max_length=6, choices=WindowStatus, default=WindowStatus.OPEN
    )
    closed_at = models.DateTimeField(_("closed"), null=True)

    class Meta:
        """One window per subscription, meter and start."""

        verbose_name = _("usage window")
        verbose_name_plural = _("usage windows")
        ordering = ("window_start",)
        constraints = (
            models.UniqueConstraint(
                fields=("subscription", "meter", "window_start"), name="usage_window_unique"
            ),
        )

    def __str__(self) -> str:
        return f"{self.meter} {self.window_start:%Y-%m-%d %H:%M}"


class UsageCutoff(models.Model):
    """Until when a subscription's usage is closed: the lock between processors and period closing.

    A processor shares the row's lock while it adds to windows; closing takes it alone. So a window that does
    not exist yet cannot appear inside a period that is being closed.
    """

    subscription = models.OneToOneField(
        Subscription, on_delete=models.CASCADE, primary_key=True, related_name="usage_cutoff"
    )
    closed_until = models.DateTimeField(_("closed until"), null=True)

    class Meta:
        """One row per subscription that has usage or was closed."""

        verbose_name = _("usage cutoff")
        verbose_name_plural = _("usage cutoffs")

    def __str__(self) -> str:
        return str(self.closed_until or "")
