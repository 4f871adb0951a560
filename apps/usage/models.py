"""Calls as they came in, and the windows that they add up to.

`UsageEvent` is partitioned by time and `UsageEventKey` by hash of the id; both are created by SQL in the first
migration. The unique id lives in `UsageEventKey`, because a partitioned table's unique index must contain the
partition key.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.apis.models import Api
from apps.core import clock
from apps.core.ids import uuid7
from apps.core.models import Entity
from apps.core.querysets import TenantQuerySet
from apps.pricing.models import CALLS_METER
from apps.subscriptions.models import Subscription
from apps.usage.enums import Aggregation, AlertKind, BatchStatus, EventOutcome, WindowStatus


class Meter(Entity):
    """What is counted of an API's calls. Every API has `calls`; providers may add others."""

    id_prefix = "mtr"

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    api = models.ForeignKey(Api, on_delete=models.PROTECT, related_name="meters")
    key = models.SlugField(_("key"), max_length=60, default=CALLS_METER)
    name = models.CharField(_("name"), max_length=80)
    aggregation = models.CharField(
        _("aggregation"), max_length=8, choices=Aggregation, default=Aggregation.COUNT
    )
    property_name = models.CharField(_("property"), max_length=60, blank=True)
    window_s = models.PositiveIntegerField(_("window (seconds)"), default=3600)
    watermark_delay_s = models.PositiveIntegerField(_("watermark delay (seconds)"), default=300)

    objects = TenantQuerySet.as_manager()

    class Meta:
        """Keys are unique per API."""

        verbose_name = _("meter")
        verbose_name_plural = _("meters")
        constraints = (
            models.UniqueConstraint(fields=("api", "key"), name="usage_meter_key_unique"),
        )

    def __str__(self) -> str:
        return self.name


class UsageBatch(Entity):
    """One accepted POST of events: the durable inbox row, and what became of each event."""

    id_prefix = "bat"

    source = models.CharField(_("source"), max_length=80)
    organization_id = models.UUIDField(_("sent by"), null=True)
    idempotency_key = models.CharField(_("batch key"), max_length=200, unique=True)
    body = models.BinaryField(_("events"))
    event_count = models.PositiveIntegerField(_("events"))
    rejections = models.JSONField(_("rejected"), default=list)
    status = models.CharField(
        _("status"), max_length=10, choices=BatchStatus, default=BatchStatus.PENDING
    )
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    available_at = models.DateTimeField(_("next try"), default=clock.now)
    processed_at = models.DateTimeField(_("processed"), null=True)
    outcome = models.JSONField(_("outcome"), default=dict)
    last_error = models.TextField(_("last error"), blank=True)
    oldest_event_at = models.DateTimeField(_("oldest event"), null=True)

    class Meta:
        """Processors claim pending batches in order."""

        verbose_name = _("usage batch")
        verbose_name_plural = _("usage batches")
        ordering = ("-id",)
        indexes = (
            models.Index(
                fields=("available_at", "id"),
                name="usage_batch_pending",
                condition=Q(status=BatchStatus.PENDING),
            ),
        )

    def __str__(self) -> str:
        return f"{self.source} {self.event_count}"


class UsageEventKey(models.Model):
    """The identity of an event: counted once for as long as its time is acceptable."""

    event_id = models.UUIDField(primary_key=True)
    body_hash = models.BinaryField(max_length=16)
    occurred_at = models.DateTimeField()

    class Meta:
        """Hash-partitioned by `event_id`; created by SQL."""

        db_table = "usage_usageeventkey"
        verbose_name = _("usage event key")
        verbose_name_plural = _("usage event keys")

    def __str__(self) -> str:
        return str(self.event_id)


class UsageEvent(models.Model):
    """One call. `occurred_at` is the account's business time; `decided_at` the gateway's real time."""

    event_id = models.UUIDField(primary_key=True, default=uuid7)
    occurred_at = models.DateTimeField(_("time"))
    decided_at = models.DateTimeField(_("decided"))
    stored_at = models.DateTimeField(_("stored"), default=clock.now)
    batch_id = models.UUIDField(_("batch"))
    source = models.CharField(_("source"), max_length=80)
    consumer_organization_id = models.UUIDField(_("consumer"))
    provider_organization_id = models.UUIDField(_("provider"))
    subscription_id = models.UUIDField(_("subscription"))
    key_id = models.UUIDField(_("key"), null=True)
    api_id = models.UUIDField(_("API"))
    method = models.CharField(_("method"), max_length=10)
    path = models.CharField(_("path"), max_length=300)
    status = models.PositiveSmallIntegerField(_("status"))
    latency_ms = models.PositiveIntegerField(_("latency (ms)"))
    upstream_latency_ms = models.PositiveIntegerField(_("upstream latency (ms)"), null=True)
    request_bytes = models.PositiveBigIntegerField(_("request bytes"), default=0)
    response_bytes = models.PositiveBigIntegerField(_("response bytes"), default=0)
    request_id = models.CharField(_("request id"), max_length=64)
    outcome = models.CharField(
        _("outcome"), max_length=12, choices=EventOutcome, default=EventOutcome.COMPLETED
    )
    is_billable = models.BooleanField(_("billable"), default=True)
    properties = models.JSONField(_("properties"), default=dict)

    class Meta:
        """Partitioned by month of `occurred_at`; created by SQL."""

        db_table = "usage_usageevent"
        verbose_name = _("usage event")
        verbose_name_plural = _("usage events")
        ordering = ("-occurred_at", "-event_id")
        indexes = (
            models.Index(
                fields=("subscription_id", "occurred_at"), name="usage_event_subscription"
            ),
            models.Index(fields=("api_id", "occurred_at"), name="usage_event_api"),
            # The lists of all calls of a consumer, and of a provider.
            models.Index(
                fields=("consumer_organization_id", "occurred_at"), name="usage_event_consumer"
            ),
            models.Index(
                fields=("provider_organization_id", "occurred_at"), name="usage_event_provider"
            ),
        )

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.status}"


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


class LateEvent(Entity):
    """An event whose window was closed already: kept, and told to billing."""

    id_prefix = "lat"

    event_id = models.UUIDField(_("event"), unique=True)
    consumer_organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+"
    )
    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="+")
    meter = models.CharField(_("meter"), max_length=60)
    occurred_at = models.DateTimeField(_("time"))
    window_start = models.DateTimeField(_("window"))
    quantity = models.DecimalField(_("quantity"), max_digits=30, decimal_places=12)
    resolved_at = models.DateTimeField(_("resolved"), null=True)

    class Meta:
        """Newest first."""

        verbose_name = _("late event")
        verbose_name_plural = _("late events")
        ordering = ("-id",)

    def __str__(self) -> str:
        return str(self.event_id)


class ShipperState(models.Model):
    """How far a shipper has come: closing a period waits for it."""

    node = models.CharField(_("node"), max_length=80, primary_key=True)
    oldest_unshipped_at = models.DateTimeField(_("oldest unshipped call"), null=True)
    reported_at = models.DateTimeField(_("reported"))

    class Meta:
        """By node."""

        verbose_name = _("shipper state")
        verbose_name_plural = _("shipper states")

    def __str__(self) -> str:
        return self.node


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
