"""Tables without business nouns: audit trail, outbox, dead letters, idempotency keys, job runs."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.core import clock
from apps.core.enums import DeadLetterState, JobStatus, JobTrigger, OutboxStatus
from apps.core.ids import format_public_id, uuid7


class Entity(models.Model):
    """A row with a UUIDv7 key, a public id and its times."""

    id_prefix: ClassVar[str] = ""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        """No table of its own."""

        abstract = True

    @property
    def public_id(self) -> str:
        """The id shown outside, for example `inv_…`."""
        return format_public_id(self.id_prefix, self.pk)


class AuditEvent(models.Model):
    """One thing that somebody did. Append-only: a trigger refuses UPDATE and DELETE.

    People are referenced, not copied, so erasing a person leaves the trail intact. The table is
    partitioned by month; retention drops whole partitions.
    """

    id_prefix: ClassVar[str] = "aud"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    occurred_at = models.DateTimeField(_("time"), default=clock.now, editable=False)
    action = models.CharField(_("action"), max_length=100)
    actor_kind = models.CharField(_("actor kind"), max_length=20)
    actor_user_id = models.UUIDField(_("user"), null=True)
    actor_token_id = models.UUIDField(_("service token"), null=True)
    actor_label = models.CharField(_("actor"), max_length=200)
    organization_id = models.UUIDField(_("organization"), null=True)
    target_type = models.CharField(_("object type"), max_length=60)
    target_id = models.UUIDField(_("object"))
    before = models.JSONField(_("before"), default=dict)
    after = models.JSONField(_("after"), default=dict)
    reason = models.TextField(_("reason"), blank=True)
    request_id = models.CharField(_("request id"), max_length=64, blank=True)
    ip = models.GenericIPAddressField(_("address"), null=True)
    user_agent = models.CharField(_("user agent"), max_length=300, blank=True)

    class Meta:
        """Created by SQL in the first migration, because Django cannot declare partitions."""

        db_table = "core_auditevent"
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        ordering = ("-occurred_at", "-id")
        indexes = (
            models.Index(fields=("target_type", "target_id"), name="core_audit_target"),
            models.Index(fields=("organization_id", "occurred_at"), name="core_audit_org"),
        )

    def __str__(self) -> str:
        return f"{self.action} by {self.actor_label}"

    @property
    def public_id(self) -> str:
        """The id shown outside."""
        return format_public_id(self.id_prefix, self.pk)


class OutboxMessage(models.Model):
    """Something that must happen after a commit: an event for a receiver, a mail, a webhook.

    Written in the transaction that causes it, delivered at least once by the relay. Messages with the
    same non-empty `key` are delivered in the order they were written.
    """

    id_prefix: ClassVar[str] = "msg"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)
    topic = models.CharField(_("topic"), max_length=120)
    key = models.CharField(_("key"), max_length=120, blank=True)
    payload = models.JSONField(_("payload"))
    request_id = models.CharField(_("request id"), max_length=64, blank=True)
    status = models.CharField(
        _("status"), max_length=12, choices=OutboxStatus, default=OutboxStatus.PENDING
    )
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    available_at = models.DateTimeField(_("next try"), default=clock.now)
    delivered_at = models.DateTimeField(_("delivered"), null=True)
    last_error = models.TextField(_("last error"), blank=True)

    class Meta:
        """The relay reads by (status, available_at); ordering within a key by id."""

        verbose_name = _("outbox message")
        verbose_name_plural = _("outbox messages")
        ordering = ("id",)
        indexes = (
            models.Index(
                fields=("available_at", "id"),
                name="core_outbox_pending",
                condition=Q(status=OutboxStatus.PENDING),
            ),
            models.Index(
                fields=("key", "id"),
                name="core_outbox_key",
                condition=Q(status=OutboxStatus.PENDING) & ~Q(key=""),
            ),
        )

    def __str__(self) -> str:
        return f"{self.topic} {self.status}"


class DeadLetter(Entity):
    """Work that failed for good, with everything needed to understand, mend and retry it."""

    id_prefix = "dlq"

    source = models.CharField(_("source"), max_length=60)
    reference = models.CharField(_("reference"), max_length=120)
    payload = models.JSONField(_("payload"))
    reason = models.TextField(_("reason"))
    # What a person made of the payload before retrying it; the original stays beside it.
    edited_payload = models.JSONField(_("edited payload"), null=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    organization_id = models.UUIDField(_("organization"), null=True)
    resolved_at = models.DateTimeField(_("resolved"), null=True)
    resolution = models.CharField(_("resolution"), max_length=20, blank=True)
    resolution_note = models.TextField(_("note"), blank=True)

    class Meta:
        """One open letter per piece of work."""

        verbose_name = _("dead letter")
        verbose_name_plural = _("dead letters")
        ordering = ("-created_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("source", "reference"),
                condition=Q(resolved_at__isnull=True),
                name="core_deadletter_one_open",
            ),
        )

    def __str__(self) -> str:
        return f"{self.source} {self.reference}"

    @property
    def state(self) -> str:
        """`open`, `retried` or `discarded`."""
        return self.resolution or DeadLetterState.OPEN.value

    @property
    def work(self) -> Any:
        """What a retry does: the payload, as a person edited it if one did."""
        return self.payload if self.edited_payload is None else self.edited_payload


class IdempotencyKey(models.Model):
    """A request that must not be carried out twice, with the answer it got.

    Inserted in the transaction that does the work: a parallel request with the same key waits for the
    unique index and then finds the stored answer.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)
    scope = models.CharField(_("scope"), max_length=100)
    key = models.CharField(_("key"), max_length=255)
    fingerprint = models.CharField(_("fingerprint"), max_length=64)
    response_status = models.PositiveSmallIntegerField(_("status"), null=True)
    response_body = models.JSONField(_("answer"), null=True)
    expires_at = models.DateTimeField(_("expires"))

    class Meta:
        """A key is unique per scope (organization or user)."""

        verbose_name = _("idempotency key")
        verbose_name_plural = _("idempotency keys")
        constraints = (
            models.UniqueConstraint(fields=("scope", "key"), name="core_idempotency_unique"),
        )
        indexes = (models.Index(fields=("expires_at",), name="core_idempotency_expiry"),)

    def __str__(self) -> str:
        return f"{self.scope} {self.key}"


class JobRun(Entity):
    """One run of a background job: who asked, how far it is, what came out."""

    id_prefix = "job"

    name = models.CharField(_("job"), max_length=120)
    arguments = models.JSONField(_("arguments"), default=dict)
    status = models.CharField(
        _("status"), max_length=12, choices=JobStatus, default=JobStatus.QUEUED
    )
    trigger = models.CharField(
        _("trigger"), max_length=12, choices=JobTrigger, default=JobTrigger.REQUEST
    )
    organization_id = models.UUIDField(_("organization"), null=True)
    requested_by = models.CharField(_("requested by"), max_length=200, blank=True)
    progress_done = models.PositiveIntegerField(_("done"), default=0)
    progress_total = models.PositiveIntegerField(_("of"), default=0)
    result = models.JSONField(_("result"), null=True)
    error = models.TextField(_("error"), blank=True)
    started_at = models.DateTimeField(_("started"), null=True)
    finished_at = models.DateTimeField(_("finished"), null=True)

    class Meta:
        """Listed newest first, and by name for the schedule table."""

        verbose_name = _("job run")
        verbose_name_plural = _("job runs")
        ordering = ("-created_at",)
        indexes = (models.Index(fields=("name", "-created_at"), name="core_jobrun_name"),)

    def __str__(self) -> str:
        return f"{self.name} {self.status}"

    @property
    def duration_s(self) -> float | None:
        """Seconds from start to finish, if it finished."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


class ProcessHeartbeat(models.Model):
    """When a long-running process was last seen alive; `/api/health` reads it."""

    name = models.CharField(_("process"), max_length=60, primary_key=True)
    seen_at = models.DateTimeField(_("seen"))
    details = models.JSONField(_("details"), default=dict)

    class Meta:
        """One row per process and node."""

        verbose_name = _("process heartbeat")
        verbose_name_plural = _("process heartbeats")

    def __str__(self) -> str:
        return self.name
