"""Billing periods: opened one after the other, closed once, rated when they close.

A period moves open → closing → closed. `closing` is where it waits for calls that are still on their way; the next period is
open by then, so a subscription always has exactly one open period while it lives.

Source: docs/domain/billing.md.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db.models import F, Q, QuerySet

from apps.billing.constants import WATERMARK_DELAY
from apps.billing.enums import PeriodStatus
from apps.billing.models import BillingPeriod
from apps.billing.services.closing import PERIOD_SOURCE, begin_batch, close_batch, is_due
from apps.billing.services.invoices import finalize_due_drafts
from apps.billing.services.opening import move_period_end, open_first_period
from apps.core import clock, jobs
from apps.core.actors import Actor
from apps.core.batches import Report, work_off
from apps.core.dead_letters import bury, retries
from apps.core.ids import format_public_id
from apps.core.models import DeadLetter
from apps.core.querysets import only_of
from apps.usage.exceptions import UsageNotComplete

__all__ = (
    "CLOSE_JOB",
    "begin_closing",
    "close_due_periods",
    "close_period",
    "due_periods",
    "finish_closing",
    "is_due",
    "move_period_end",
    "open_first_period",
)

logger = structlog.get_logger(__name__)

CLOSE_JOB: Final = "billing.close_due_periods"


def begin_closing(*, period: BillingPeriod, actor: Actor) -> BillingPeriod:
    """Move a due period to `closing` and open the next one, unless the subscription has ended.

    A period that is not open, or not due, stays as it is.
    """
    begin_batch([period.pk], wait=True, actor=actor)
    return BillingPeriod.objects.get(pk=period.pk)


def close_period(*, period: BillingPeriod, actor: Actor) -> BillingPeriod:
    """Close a period's usage, rate it, and put its charges on the account's draft invoice.

    Closing again changes nothing.

    Raises:
        UsageNotComplete: calls may still be on their way; try again soon.
    Publishes: BillingPeriodClosed.
    """
    if close_batch([period.pk], wait=True, actor=actor).waiting:
        raise UsageNotComplete
    return BillingPeriod.objects.get(pk=period.pk)


def due_periods(organization_id: UUID | None = None) -> QuerySet[BillingPeriod]:
    """Return the open periods whose end and watermark have passed in their account's time, oldest end first.

    Two conditions, so that the many accounts without a test clock are found by the index over ends.
    """
    now = clock.now() - WATERMARK_DELAY
    ahead = Q(
        consumer_organization__clock_offset__gt=timedelta(0),
        period_end__lte=now + F("consumer_organization__clock_offset"),
    )
    open_periods = BillingPeriod.objects.filter(status=PeriodStatus.OPEN)
    due = open_periods.filter(Q(period_end__lte=now) | Q(pk__in=open_periods.filter(ahead)))
    return only_of(due, organization_id, field="consumer_organization_id").order_by("period_end")


def close_due_periods(*, actor: Actor, organization_id: UUID | None = None) -> dict[str, int]:
    """Begin, and where possible finish, the closing of every due period; then issue what is complete.

    Only those of one organization where one is named. Several that run at the same time share the work.

    Returns counts: `closing` (began), `closed`, `waiting` (calls still on their way), `failed`, `issued`.
    """
    due = due_periods(organization_id).order_by("consumer_organization_id", "period_end", "pk")
    failed: set[UUID] = set()
    began: list[UUID] = []

    def begin(keys: Sequence[UUID], *, wait: bool) -> list[UUID]:
        moved = begin_batch(keys, wait=wait, actor=actor)
        began.extend(moved)
        return moved

    work_off(list(due.values_list("pk", flat=True)), begin, report=_reporting(failed))
    counts = finish_closing(actor=actor, organization_id=organization_id)
    counts["failed"] += len(failed)
    return {"closing": len(began), **counts}


def finish_closing(*, actor: Actor, organization_id: UUID | None = None) -> dict[str, int]:
    """Close every period that is being closed and whose calls have arrived; then issue what is complete.

    A period that cannot be closed because of an error becomes a dead letter; the others go on.

    Returns counts: `closed`, `waiting` (calls still on their way), `failed`, `issued`.
    """
    rows = BillingPeriod.objects.filter(status=PeriodStatus.CLOSING)
    rows = only_of(rows, organization_id, field="consumer_organization_id")
    # An account's periods together: they share drafts.
    keys = rows.order_by("consumer_organization_id", "period_end", "pk")
    closed, waiting, failed = set[UUID](), set[UUID](), set[UUID]()

    def close(batch: Sequence[UUID], *, wait: bool) -> list[UUID]:
        done = close_batch(batch, wait=wait, actor=actor)
        closed.update(done.closed)
        waiting.update(done.waiting)
        return done.seen

    work_off(list(keys.values_list("pk", flat=True)), close, report=_reporting(failed))
    for key in waiting:
        logger.info("billing.period_waits_for_usage", period_id=_public(key))
    return {
        "closed": len(closed),
        "waiting": len(waiting),
        "failed": len(failed),
        "issued": finalize_due_drafts(actor=actor, organization_id=organization_id),
    }


def _public(period_id: UUID) -> str:
    return format_public_id(BillingPeriod.id_prefix, period_id)


def _reporting(failed: set[UUID]) -> Report:
    """Return what makes a dead letter of a period that could not be closed, and keeps its id."""

    def report(key: UUID, error: Exception) -> None:
        failed.add(key)
        period = BillingPeriod.objects.get(pk=key)
        is_new = bury(
            source=PERIOD_SOURCE,
            reference=period.public_id,
            payload={"status": period.status},
            error=error,
            organization_id=period.consumer_organization_id,
        )
        # Tried again every few seconds: told once.
        logger.log(
            logging.ERROR if is_new else logging.INFO,
            "billing.period_failed",
            period_id=period.public_id,
            exc_info=error,
        )

    return report


@retries(PERIOD_SOURCE)
def retry_period(_letter: DeadLetter) -> None:
    """Close what is due once more."""
    jobs.enqueue(CLOSE_JOB, actor=Actor.system("dead letters"))
