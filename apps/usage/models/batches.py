"""The inbox."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.core import clock
from apps.core.models import Entity
from apps.usage.enums import BatchStatus


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
            models.Index(
                fields=("-id",), name="usage_batch_failed", condition=Q(status=BatchStatus.FAILED)
            ),
            models.Index(
                fields=("organization_id", "-id"),
                name="usage_batch_sender",
                condition=Q(organization_id__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"{self.source} {self.event_count}"

    @property
    def rejected_count(self) -> int:
        """How many events were not taken, by intake or by processing."""
        return len(self.rejections) + int(self.outcome.get("rejected", 0))

    @property
    def lag_s(self) -> float:
        """Seconds from receipt to processing; to now while the batch waits."""
        return ((self.processed_at or clock.now()) - self.created_at).total_seconds()
