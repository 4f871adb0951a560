"""One run: mark the counters, wait until their calls have arrived, compare, prove, correct, report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import structlog
from django.db import connection, transaction
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.gateway.store.counters import CounterStore
from apps.keys.services.use import STEP as USE_STEP
from apps.usage.drift.bounds import CLOCK_SLACK, DECISION_LAG, Bounds, bounds_of
from apps.usage.drift.findings import Finding, Findings
from apps.usage.drift.marks import Mark, candidates, raise_low_counters, set_marks
from apps.usage.drift.proof import Proof, replay_everywhere, wait_until
from apps.usage.drift.windows import WrongWindow, wrong_windows
from apps.usage.enums import DriftScope, DriftStatus
from apps.usage.exceptions import DriftRunning
from apps.usage.models import DriftReport
from apps.usage.selectors import usage_is_complete

logger = structlog.get_logger(__name__)

LOCK_ID: Final = 7_041_006
ARRIVES_WITHIN_S: Final = 60.0
AT_ONCE: Final = 500
EXAMPLES: Final = 50
# Windows older than this are compared with their calls by the run of all subscriptions only.
RECENT_WINDOWS: Final = timedelta(hours=3)
ALL_WINDOWS: Final = timedelta(hours=50)
# A run judges calls of the seconds before its mark by bounds, and a key's last use is written once a minute: what was called
# then is looked at again by the next run, also where the counter has not moved since.
UNJUDGED: Final = DECISION_LAG + CLOCK_SLACK + USE_STEP
EQUAL_KEPT_FOR: Final = timedelta(days=7)

Progress = Callable[[int, int], None]


def compare_counters(
    *,
    store: CounterStore,
    scope: DriftScope,
    actor: Actor,
    progress: Progress = lambda *_: None,
    patience_s: float = ARRIVES_WITHIN_S,
) -> DriftReport:
    """Compare the gateway's counters with the windows at one mark, correct them by a delta, and return the report.

    A counter below the windows is raised at once. One above them has every gateway's journal replayed first, and is
    lowered only when that proves that no call is missing. Windows never change because of a counter. Calls go on
    meanwhile: what comes after the mark is neither compared nor touched.

    Args:
        patience_s: how long to wait until calls have arrived; nodes get twice as long for a replay.

    Raises:
        DriftRunning: another process is at it.
        TransactionForbiddenError: called inside a transaction.
    """
    with _alone():
        _fail_lost_runs()
        report = DriftReport.objects.create(scope=scope, started_at=clock.now())
        run = _Run(
            store=store, report=report, actor=actor, progress=progress, patience_s=patience_s
        )
        try:
            run.carry_out()
        except RedisError as error:
            logger.warning("usage.drift_failed", error=str(error))
            report.status = DriftStatus.FAILED
            report.reason = _("Valkey did not answer: %(error)s.") % {"error": error}
        except Exception:
            # Whatever it was: the report says that the run ended, and the job shows the error, raised anew.
            report.status, report.finished_at = DriftStatus.FAILED, clock.now()
            report.reason = _("The run ended before its time; the job says why.")
            report.save()
            raise
        _keep(report, actor)
    return report


@dataclass(slots=True, kw_only=True)
class _Run:
    """What one run knows."""

    store: CounterStore
    report: DriftReport
    actor: Actor
    progress: Progress
    patience_s: float
    findings: Findings = field(default_factory=Findings)

    def carry_out(self) -> None:
        """Fill the report."""
        report = self.report
        marks = self._mark()
        report.compared_count = len(marks)
        report.mark_at = max((mark.at for mark in marks), default=clock.now())
        complete_until = report.mark_at + CLOCK_SLACK
        if not wait_until(lambda: usage_is_complete(complete_until), self.patience_s):
            report.status = DriftStatus.INCOMPLETE
            report.reason = _(
                "Calls made before the comparison had not all arrived: a shipper or a batch is behind."
            )
            self._fill(Proof(), [])
            return
        self._compare(marks)
        proof = self._prove()
        wrong = self._wrong_windows(marks)
        self._fill(proof, wrong)
        report.status, report.reason = self._verdict(proof, wrong)

    def _mark(self) -> list[Mark]:
        last = (
            DriftReport.objects.filter(mark_at__isnull=False)
            .exclude(status__in=(DriftStatus.FAILED, DriftStatus.INCOMPLETE))
            .order_by("-id")
            .first()
        )
        since = last.mark_at - UNJUDGED if last and last.mark_at else None
        marks: list[Mark] = []
        for found in candidates(DriftScope(self.report.scope), since):
            raised = raise_low_counters(self.store, found)
            for sub_id, by in raised.items():
                self.findings.add_floor(sub_id, by)
            marks += set_marks(self.store, self.report.public_id, found)
        return marks

    def _compare(self, marks: Sequence[Mark]) -> None:
        for start in range(0, len(marks), AT_ONCE):
            group = marks[start : start + AT_ONCE]
            bounds = bounds_of(group)
            for mark in group:
                self._judge(mark, bounds[mark.subscription_id])
            self.progress(start + len(group), len(marks))

    def _judge(self, mark: Mark, bounds: Bounds) -> None:
        finding = Finding(mark, bounds)
        if finding.excess < 0:
            finding.correct(self.store, self.report.public_id)
        self.findings.add(finding)

    def _prove(self) -> Proof:
        """Replay the journals where a counter is above the windows; lower it when nothing was missing."""
        high = self.findings.above()
        if not high and self.report.scope == DriftScope.RECENT:
            return Proof()
        since = min((item.span_start for item in high), default=None)
        if self.report.scope == DriftScope.ALL:
            # Calls that left no trace in a counter either are found only by asking.
            day = clock.now() - ALL_WINDOWS
            since = day if since is None else min(since, day)
        assert since is not None and self.report.mark_at is not None  # noqa: S101, PT018
        since -= DECISION_LAG + CLOCK_SLACK
        until = min(self.report.mark_at + CLOCK_SLACK, clock.now())
        proof = replay_everywhere(
            since=since, until=until, actor=self.actor, takes_s=2 * self.patience_s
        )
        if proof.sent and not wait_until(lambda: usage_is_complete(until), self.patience_s):
            proof.doubts.append(_("What was sent again had not been counted in time."))
        bounds = bounds_of([item.mark for item in high])
        for item in high:
            item.bounds = bounds[item.mark.subscription_id]
            if item.excess > 0 and not proof.doubts:
                item.correct(self.store, self.report.public_id)
        return proof

    def _wrong_windows(self, marks: Sequence[Mark]) -> list[WrongWindow]:
        is_recent = self.report.scope == DriftScope.RECENT
        since = clock.now() - (RECENT_WINDOWS if is_recent else ALL_WINDOWS)
        found: list[WrongWindow] = []
        for start in range(0, len(marks), AT_ONCE):
            ids = [mark.subscription_id for mark in marks[start : start + AT_ONCE]]
            found += wrong_windows(ids, since)
        return found

    def _fill(self, proof: Proof, wrong: Sequence[WrongWindow]) -> None:
        report, findings = self.report, self.findings
        findings.keep_states()
        report.equal_count = findings.count("equal")
        report.raised_count = findings.count("raised")
        report.lowered_count = findings.count("lowered")
        report.unexplained_count = findings.count("unexplained")
        report.repaired_count = proof.sent
        report.wrong_windows_count = len(wrong)
        report.details = {
            "findings": findings.as_json()[:EXAMPLES],
            "windows": [item.as_json() for item in wrong[:EXAMPLES]],
            "replays": proof.replays,
            "doubts": proof.doubts,
        }

    def _verdict(self, proof: Proof, wrong: Sequence[WrongWindow]) -> tuple[DriftStatus, str]:
        report, reasons = self.report, []
        if report.unexplained_count:
            reasons.append(
                _(
                    "Counters are above what was counted, and it is not proven that no call is missing."
                )
            )
            reasons += proof.doubts
        if wrong:
            reasons.append(_("Windows are not the sum of their calls: rewind them."))
        if reasons:
            return DriftStatus.UNEXPLAINED, " ".join(reasons)
        if report.raised_count or report.lowered_count or report.repaired_count:
            return DriftStatus.CORRECTED, ""
        return DriftStatus.EQUAL, ""


def _fail_lost_runs() -> None:
    """End the reports of runs whose process was killed: who holds the lock is the only one that runs."""
    lost = DriftReport.objects.filter(status=DriftStatus.RUNNING)
    reason = _("The process that compared was ended before it was done.")
    count = lost.update(status=DriftStatus.FAILED, finished_at=clock.now(), reason=reason)
    if count:
        logger.warning("usage.drift_run_lost", count=count)


def forget_old_reports() -> int:
    """Delete reports that found nothing and are a week old; return how many. Others stay as long as the audit trail."""
    old = DriftReport.objects.filter(
        status=DriftStatus.EQUAL, started_at__lt=clock.now() - EQUAL_KEPT_FOR
    )
    deleted, _by_model = old.delete()
    return deleted


@transaction.atomic
def _keep(report: DriftReport, actor: Actor) -> None:
    report.finished_at = clock.now()
    report.save()
    if report.status == DriftStatus.EQUAL:
        return
    counts: dict[str, Any] = {
        "status": report.status,
        "raised": report.raised_count,
        "lowered": report.lowered_count,
        "unexplained": report.unexplained_count,
        "sent_again": report.repaired_count,
        "wrong_windows": report.wrong_windows_count,
        "findings": report.details.get("findings", []),
    }
    record_audit(action="usage:drift:compared", target=report, actor=actor, after=counts)


@contextmanager
def _alone() -> Iterator[None]:
    """Keep other runs away; the lock ends with the database session at the latest."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK_ID])
        row = cursor.fetchone()
    if not row or not row[0]:
        raise DriftRunning
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK_ID])
