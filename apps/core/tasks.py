"""Upkeep of this app's own tables."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from apps.core import clock
from apps.core.actors import Actor, ActorKind
from apps.core.dead_letters import RETRY_JOB, retry_open_letters
from apps.core.enums import OutboxStatus
from apps.core.jobs import JobContext, job
from apps.core.models import IdempotencyKey, JobRun, OutboxMessage, ProcessHeartbeat
from apps.core.partitions import ensure_monthly_partitions
from apps.core.schedule import schedule

AUDIT_TABLE: Final = "core_auditevent"
OUTBOX_KEPT_FOR: Final = timedelta(days=7)
JOB_RUNS_KEPT_FOR: Final = timedelta(days=90)
HEARTBEATS_KEPT_FOR: Final = timedelta(days=1)


@job("core.make_partitions")
def make_partitions(_context: JobContext) -> dict[str, int]:
    """Make the audit trail's partitions of the coming months."""
    return {"made": ensure_monthly_partitions(AUDIT_TABLE)}


@job("core.forget_idempotency_keys")
def forget_idempotency_keys(_context: JobContext) -> dict[str, int]:
    """Delete idempotency keys whose day is over."""
    deleted, _by_model = IdempotencyKey.objects.filter(expires_at__lt=clock.now()).delete()
    return {"deleted": deleted}


@job("core.forget_delivered_messages")
def forget_delivered_messages(_context: JobContext) -> dict[str, int]:
    """Delete outbox messages delivered a week ago, old job runs, and heartbeats of processes that are gone."""
    now = clock.now()
    messages, _by_model = OutboxMessage.objects.filter(
        status=OutboxStatus.DELIVERED, delivered_at__lt=now - OUTBOX_KEPT_FOR
    ).delete()
    runs, _by_model = JobRun.objects.filter(
        finished_at__isnull=False, created_at__lt=now - JOB_RUNS_KEPT_FOR
    ).delete()
    heartbeats, _by_model = ProcessHeartbeat.objects.filter(
        seen_at__lt=now - HEARTBEATS_KEPT_FOR
    ).delete()
    return {"messages": messages, "job_runs": runs, "heartbeats": heartbeats}


@job(RETRY_JOB)
def retry_dead_letters(
    context: JobContext, *, source: str, reason: str, user_id: str | None
) -> dict[str, int]:
    """Retry the dead letters that were open when an operator asked for it."""
    # As the person who asked: the audit row of each letter names them.
    actor = Actor(
        kind=ActorKind.USER if user_id else ActorKind.SYSTEM,
        label=context.run.requested_by,
        user_id=UUID(user_id) if user_id else None,
    )
    return retry_open_letters(
        source=source,
        until=context.run.created_at,
        actor=actor,
        reason=reason,
        progress=context.progress,
    )


schedule("core.make_partitions", every=timedelta(days=1))
schedule("core.forget_idempotency_keys", every=timedelta(hours=1))
schedule("core.forget_delivered_messages", every=timedelta(days=1))
