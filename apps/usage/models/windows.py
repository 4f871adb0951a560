"""What events add up to, and until when that is closed."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.core.models import Entity
from apps.subscriptions.models import Subscription
from apps.usage.enums import Aggregation, WindowStatus


class UsageWindow(Entity):
    """The quantity of one meter for one subscription (and its dimensions) in one window of business time.

    `aggregation` is the meter's, so that readers combine windows rightly; see `apps.usage.aggregation` for what
    `quantity` and `value_sum` hold for each. `dimensions` is canonical JSON, or empty. `watermark_at` is the real time
    from which on the window may close.
    """

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
    dimensions = models.CharField(_("dimensions"), max_length=400, blank=True, db_default="")
    aggregation = models.CharField(
        _("aggregation"), max_length=16, choices=Aggregation, db_default=Aggregation.COUNT
    )
    quantity = models.DecimalField(_("quantity"), max_digits=38, decimal_places=12, default=0)
    value_sum = models.DecimalField(
        _("sum of values"), max_digits=38, decimal_places=12, db_default=Decimal(0)
    )
    # Of the value that `latest` holds.
    value_at = models.DateTimeField(_("time of the value"), null=True)
    value_event_id = models.UUIDField(_("event of the value"), null=True)
    event_count = models.PositiveBigIntegerField(_("events"), default=0)
    error_count = models.PositiveBigIntegerField(_("errors"), default=0)
    # Events that came behind the watermark, while the billing period was open.
    late_count = models.PositiveBigIntegerField(_("late events"), default=0, db_default=0)
    revision = models.PositiveIntegerField(_("revision"), default=1)
    status = models.CharField(
        _("status"), max_length=6, choices=WindowStatus, default=WindowStatus.OPEN
    )
    watermark_at = models.DateTimeField(_("watermark"), null=True)
    closed_at = models.DateTimeField(_("closed"), null=True)

    class Meta:
        """One window per subscription, meter, start and dimensions."""

        verbose_name = _("usage window")
        verbose_name_plural = _("usage windows")
        ordering = ("window_start",)
        constraints = (
            models.UniqueConstraint(
                fields=("subscription", "meter", "window_start", "dimensions"),
                name="usage_window_unique",
            ),
        )
        indexes = (
            # Levels are carried from period to period, so all earlier windows of such a meter are read.
            models.Index(
                fields=("subscription", "window_start"),
                name="usage_window_levels",
                condition=Q(aggregation=Aggregation.TIME_WEIGHTED),
            ),
            # What closes next.
            models.Index(
                fields=("watermark_at",),
                name="usage_window_watermark",
                condition=Q(status=WindowStatus.OPEN),
            ),
        )

    def __str__(self) -> str:
        return f"{self.meter} {self.window_start:%Y-%m-%d %H:%M}"


class UsageWindowValue(models.Model):
    """One of the different values that a window of a `unique` meter has seen; only a fingerprint is kept."""

    pk = models.CompositePrimaryKey(
        "subscription_id", "meter", "window_start", "dimensions", "value_hash"
    )
    subscription_id = models.UUIDField(_("subscription"))
    meter = models.CharField(_("meter"), max_length=60)
    window_start = models.DateTimeField(_("window"))
    dimensions = models.CharField(_("dimensions"), max_length=400, blank=True)
    value_hash = models.BinaryField(_("fingerprint"), max_length=16)

    class Meta:
        """Once per window."""

        verbose_name = _("value of a window")
        verbose_name_plural = _("values of windows")

    def __str__(self) -> str:
        return f"{self.meter} {bytes(self.value_hash).hex()}"


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
