"""Asking for windows to be computed anew, and going on with what stands still."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from apps.core import clock, jobs
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.clock import Period
from apps.core.exceptions import InvalidInput
from apps.usage.enums import RewindStatus
from apps.usage.exceptions import (
    ArchiveUnusable,
    EventsDropped,
    RewindNotApplicable,
    RewindRunning,
)
from apps.usage.models import UsageRewind, UsageWindow
from apps.usage.rewind_scopes import RewindScope
from apps.usage.selectors.archives import archives_in
from apps.usage.selectors.rewinds import month_without_events
from apps.usage.services.rewinding import ACTIVE, ONE_DAY

REWIND_JOB: Final = "usage.rewind"
# Of advisory locks: two requests look for each other one after the other.
_REQUEST_LOCK: Final = 0x7265_7769
# A run that has not moved for this long was killed, or its message was lost.
STANDSTILL: Final = timedelta(minutes=5)


@transaction.atomic
def request_rewind(
    *,
    scope: RewindScope,
    is_dry_run: bool,
    reason: str,
    actor: Actor,
    in_background: bool = True,
) -> UsageRewind:
    """Ask for windows to be computed anew; a job does it, unless the caller does so itself by `carry_out_rewind`.

    Raises:
        InvalidInput: there is no reason.
        EventsDropped: a month of the range has windows, but its events are not stored any more.
        ArchiveUnusable: a month of the range lies in an archive that is known to be damaged.
        RewindRunning: another rewind of some of these windows has not ended.
    """
    if not reason.strip():
        raise InvalidInput(_("Say why."), field="reason")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_REQUEST_LOCK])
    running = _overlapping(scope).order_by("id").first()
    if running is not None:
        raise RewindRunning(rewind=running.public_id)
    month = month_without_events(scope.period, _windows_in(scope))
    if month is not None:
        raise EventsDropped(month=month)
    for archive in archives_in(scope.period):
        if archive.problem:
            raise ArchiveUnusable(month=archive.month_start.date())
    rewind = UsageRewind.objects.create(
        api=scope.api,
        subscription=scope.subscription,
        meter=scope.meter,
        range_start=scope.period.start,
        range_end=scope.period.end,
        is_dry_run=is_dry_run,
        reason=reason.strip(),
        requested_by_id=actor.user_id or actor.token_id,
    )
    if in_background:
        rewind.job_run = jobs.enqueue(REWIND_JOB, actor=actor, rewind_id=str(rewind.pk))
        rewind.save(update_fields=["job_run"])
    record_audit(
        action="usage:rewind:requested",
        target=rewind,
        actor=actor,
        reason=rewind.reason,
        after={
            "api": scope.api and scope.api.public_id,
            "subscription": scope.subscription and scope.subscription.public_id,
            "meter": scope.meter,
            "from": scope.period.start,
            "until": scope.period.end,
            "is_dry_run": is_dry_run,
        },
    )
    return rewind


@transaction.atomic
def apply_dry_run(*, rewind: UsageRewind, actor: Actor, reason: str) -> UsageRewind:
    """Ask for what a finished dry run showed to be done; return the new rewind.

    Raises:
        RewindNotApplicable: it is no dry run, or has not succeeded.
        EventsDropped, ArchiveUnusable, RewindRunning: as for `request_rewind`.
    """
    if not rewind.is_dry_run or rewind.status != RewindStatus.SUCCEEDED:
        raise RewindNotApplicable
    scope = RewindScope(
        Period(rewind.range_start, rewind.range_end), rewind.api, rewind.subscription, rewind.meter
    )
    return request_rewind(scope=scope, is_dry_run=False, reason=reason, actor=actor)


@transaction.atomic
def retry_rewind(*, rewind: UsageRewind, actor: Actor) -> UsageRewind:
    """Go on with a rewind that failed, after its last finished step.

    Raises:
        RewindNotApplicable: it did not fail.
    """
    rewind = UsageRewind.objects.select_for_update(no_key=True).get(pk=rewind.pk)
    if rewind.status != RewindStatus.FAILED:
        raise RewindNotApplicable
    rewind.status, rewind.error, rewind.finished_at = RewindStatus.WAITING, "", None
    rewind.job_run = jobs.enqueue(REWIND_JOB, actor=actor, rewind_id=str(rewind.pk))
    rewind.save(update_fields=["status", "error", "finished_at", "job_run", "updated_at"])
    record_audit(action="usage:rewind:retried", target=rewind, actor=actor, reason=rewind.reason)
    return rewind


@transaction.atomic
def resume_rewinds(*, actor: Actor) -> int:
    """Start again what stands still; return how many. A step that another process takes meanwhile is taken once."""
    stuck = UsageRewind.objects.select_for_update(skip_locked=True).filter(
        status__in=ACTIVE, job_run__isnull=False, updated_at__lt=clock.now() - STANDSTILL
    )
    rewinds = list(stuck)
    for rewind in rewinds:
        rewind.job_run = jobs.enqueue(REWIND_JOB, actor=actor, rewind_id=str(rewind.pk))
        rewind.save(update_fields=["job_run", "updated_at"])
    return len(rewinds)


def _windows_in(scope: RewindScope) -> QuerySet[UsageWindow]:
    rows = UsageWindow.objects.filter(event_count__gt=0)
    if scope.api is not None:
        rows = rows.filter(api_id=scope.api.pk)
    if scope.subscription is not None:
        rows = rows.filter(subscription=scope.subscription)
    return rows


def _overlapping(scope: RewindScope) -> QuerySet[UsageRewind]:
    """Return the rewinds that have not ended and share windows with a scope. A local day reaches beyond the range."""
    rows = UsageRewind.objects.filter(
        status__in=ACTIVE,
        range_start__lt=scope.period.end + ONE_DAY,
        range_end__gt=scope.period.start - ONE_DAY,
    )
    if scope.meter:
        rows = rows.filter(meter__in=("", scope.meter))
    everything = Q(api=None, subscription=None)
    if scope.subscription is not None:
        api = Q(api_id=scope.subscription.api_id, subscription=None)
        rows = rows.filter(everything | api | Q(subscription=scope.subscription))
    elif scope.api is not None:
        rows = rows.filter(everything | Q(api=scope.api) | Q(subscription__api=scope.api))
    return rows
