"""Events that came behind their window's watermark."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.core.models import Entity
from apps.subscriptions.models import Subscription
from apps.usage.enums import LateResolution


class LateEvent(Entity):
    """What an event would have added to a window that was closed already: kept, and told to billing.

    `occurred_at`, `window_start` and the period are business time. While the period was open the window was revised;
    afterwards the row stays open until billing rates the period again, which settles it, or somebody waives it with a reason.
    """

    id_prefix = "lat"

    event_id = models.UUIDField(_("event"))
    consumer_organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+"
    )
    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="+")
    meter = models.CharField(_("meter"), max_length=60)
    dimensions = models.TextField(_("dimensions"), blank=True, default="", db_default="")
    occurred_at = models.DateTimeField(_("time"))
    window_start = models.DateTimeField(_("window"))
    # Rows from before periods were noted have none.
    period_start = models.DateTimeField(_("period from"), null=True)
    period_end = models.DateTimeField(_("period until (exclusive)"), null=True)
    quantity = models.DecimalField(_("quantity"), max_digits=30, decimal_places=12)
    resolution = models.CharField(
        _("state"),
        max_length=8,
        choices=LateResolution,
        default=LateResolution.OPEN,
        db_default=LateResolution.OPEN,
    )
    resolved_at = models.DateTimeField(_("resolved"), null=True)
    reason = models.CharField(_("reason"), max_length=200, blank=True, default="", db_default="")
    # Who waived it: a person or a service token.
    resolved_by_id = models.UUIDField(_("waived by"), null=True)

    class Meta:
        """Newest first; an event is late once for each meter that counts it."""

        verbose_name = _("late event")
        verbose_name_plural = _("late events")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=("event_id", "meter"), name="usage_late_event_unique"),
        )
        indexes = (
            models.Index(fields=("consumer_organization", "-id"), name="usage_late_consumer"),
            models.Index(fields=("consumer_organization", "occurred_at"), name="usage_late_time"),
            models.Index(fields=("subscription", "occurred_at"), name="usage_late_subscription"),
            models.Index(
                fields=("id",),
                name="usage_late_open",
                condition=Q(resolution=LateResolution.OPEN),
            ),
        )

    def __str__(self) -> str:
        return str(self.event_id)
