"""Calls as they came in.

`UsageEvent` is partitioned by time and `UsageEventKey` by hash of the id; both are created by SQL in the first
migration. The unique id lives in `UsageEventKey`, because a partitioned table's unique index must contain the
partition key.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core import clock
from apps.core.ids import uuid7
from apps.usage.enums import EventOutcome


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
