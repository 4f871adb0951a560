"""Scheduled jobs of this app."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import UUID

from apps.core.actors import Actor
from apps.core.jobs import JobContext, job
from apps.core.partitions import ensure_monthly_partitions
from apps.core.schedule import schedule
from apps.gateway.valkey import get_counters
from apps.usage import services
from apps.usage.anomalies import find_anomalies
from apps.usage.budget_alerts import look_at_all_budgets
from apps.usage.drift import compare_counters, forget_old_reports
from apps.usage.enums import DriftScope
from apps.usage.models import UsageEvent
from apps.usage.services import expire_exports as expire_due_exports
from apps.usage.services import forget_identities, forget_rejections, roll_up
from apps.usage.services import keep_retention as keep_months
from apps.usage.services import write_export as write_export_file
from apps.usage.services.exports import WRITE_JOB
from apps.usage.services.retention import verify_old_archives


@job("usage.make_partitions")
def make_partitions(_context: JobContext) -> dict[str, int]:
    """Make the monthly partitions of calls ahead of time."""
    return {"made": ensure_monthly_partitions(UsageEvent._meta.db_table)}


@job("usage.roll_up")
def roll_up_calls(_context: JobContext) -> dict[str, int]:
    """Add up new calls by hour and day, for analytics."""
    return asdict(roll_up())


@job("usage.forget_rejections")
def forget_rejected_events(_context: JobContext) -> dict[str, int]:
    """Delete rejected events that could not be sent again anyway, because they are too old by now."""
    return {"deleted": forget_rejections()}


schedule("usage.forget_rejections", every=timedelta(days=1))


@job(WRITE_JOB, queue="usage")
def write_export(context: JobContext, *, export_id: str) -> dict[str, str | int]:
    """Write the file of an export that somebody asked for."""
    export = write_export_file(export_id=UUID(export_id), on_progress=context.progress)
    return {"status": export.status, "rows": export.row_count, "bytes": export.size_bytes}


@job("usage.expire_exports")
def expire_exports(_context: JobContext) -> dict[str, int]:
    """Delete exported files whose week is over, and give up exports that lost their worker."""
    return expire_due_exports()


@job("usage.keep_retention", queue="usage")
def keep_retention(_context: JobContext) -> dict[str, object]:
    """Archive and drop months of calls whose time has come, and forget old identities."""
    months = keep_months(actor=Actor.system("retention"))
    return {**asdict(months), "identities": forget_identities()}


@job("usage.verify_archives", queue="usage")
def verify_archives(_context: JobContext) -> dict[str, int]:
    """Read archives of calls again that nobody has read for a month."""
    return verify_old_archives(actor=Actor.system("archive check"))


schedule("usage.verify_archives", crontab="20 4 * * *")
schedule("usage.keep_retention", crontab="40 2 * * *")
schedule("usage.expire_exports", every=timedelta(hours=1))


@job("usage.find_anomalies")
def look_for_anomalies(_context: JobContext) -> dict[str, int]:
    """Compare the last hours with the same weekday and hour of the weeks before."""
    return find_anomalies()


@job("usage.look_at_budgets")
def look_at_budgets(_context: JobContext) -> dict[str, int]:
    """Tell of budgets that run out, or are expected to."""
    return {"told": look_at_all_budgets()}


@job("usage.close_windows")
def close_windows(_context: JobContext) -> dict[str, int]:
    """Close the windows whose watermark has passed."""
    return {"closed": services.close_windows()}


@job("usage.rewind")
def rewind(context: JobContext, *, rewind_id: str) -> dict[str, int]:
    """Compute windows anew from stored events."""
    done = services.carry_out_rewind(rewind_id=UUID(rewind_id), on_progress=context.progress)
    return {
        "windows": done.window_count,
        "different": done.difference_count,
        "revised": done.revised_count,
        "kept": done.kept_count,
    }


@job("usage.resume_rewinds")
def resume_rewinds(_context: JobContext) -> dict[str, int]:
    """Go on with rewinds whose worker died."""
    return {"resumed": services.resume_rewinds(actor=Actor.system("resumed rewind"))}


schedule("usage.close_windows", every=timedelta(minutes=1))
schedule("usage.resume_rewinds", every=timedelta(minutes=5))


@job("usage.compare_counters")
def compare_counters_in_use(context: JobContext) -> dict[str, Any]:
    """Compare the gateway's counters in use with what was counted, and correct them."""
    return _compare(context, DriftScope.RECENT)


@job("usage.compare_all_counters")
def compare_all_counters(context: JobContext) -> dict[str, Any]:
    """Compare all of the gateway's counters, windows and journals of the last two days, and correct what is wrong."""
    forget_old_reports()
    return _compare(context, DriftScope.ALL)


def _compare(context: JobContext, scope: DriftScope) -> dict[str, Any]:
    actor = Actor.system(context.run.requested_by or context.run.name)
    report = compare_counters(
        store=get_counters(), scope=scope, actor=actor, progress=context.progress
    )
    return {
        "report": report.public_id,
        "status": report.status,
        "compared": report.compared_count,
        "raised": report.raised_count,
        "lowered": report.lowered_count,
        "unexplained": report.unexplained_count,
        "sent_again": report.repaired_count,
        "wrong_windows": report.wrong_windows_count,
    }


schedule("usage.compare_counters", every=timedelta(minutes=5))
schedule("usage.compare_all_counters", crontab="40 3 * * *")
schedule("usage.make_partitions", every=timedelta(days=1))
schedule("usage.roll_up", every=timedelta(minutes=1))
schedule("usage.find_anomalies", every=timedelta(minutes=5))
schedule("usage.look_at_budgets", every=timedelta(minutes=5))
