"""The schedule as data: each app declares beside its jobs how often they run.

`schedule("billing.close_due_periods", every=timedelta(hours=6))` in an app's `tasks.py` declares an entry. After each
`migrate`, `sync_schedule` mirrors the entries to django-celery-beat, where an operator may change the interval
or switch an entry off; what an operator changed stays changed, what the code no longer declares goes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask, PeriodicTasks

from apps.core import formatting
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.enums import JobTrigger
from apps.core.exceptions import NotFound, RuleViolated
from apps.core.jobs import enqueue, registered_jobs
from apps.core.models import JobRun

NAME_PREFIX: Final = "schedule:"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleEntry:
    """When a job runs by itself: every so often, or at a time of day in UTC written as a crontab."""

    job: str
    every: timedelta | None = None
    crontab: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The entry's name in the table of periodic tasks."""
        return f"{NAME_PREFIX}{self.job}"


_entries: dict[str, ScheduleEntry] = {}


def schedule(
    job: str, *, every: timedelta | None = None, crontab: str = "", **arguments: Any
) -> ScheduleEntry:
    """Declare that a job runs every so often, or at the minutes that a crontab names (`"15 2 * * *"`, UTC).

    Raises:
        ValueError: neither or both of `every` and `crontab`, or a job declared twice.
    """
    if (every is None) == (not crontab):
        raise ValueError(f"{job}: give either every= or crontab=")
    entry = ScheduleEntry(job=job, every=every, crontab=crontab, arguments=arguments)
    if _entries.get(job, entry) != entry:
        raise ValueError(f"{job} is scheduled twice")
    _entries[job] = entry
    return entry


def declared_schedule() -> dict[str, ScheduleEntry]:
    """Return the entries by job name."""
    return dict(sorted(_entries.items()))


@dataclass(frozen=True, slots=True)
class SyncedSchedule:
    """What a synchronisation did."""

    created: int
    removed: int


@transaction.atomic
def sync_schedule() -> SyncedSchedule:
    """Mirror the declared entries to the table that beat reads; safe to run any number of times.

    Raises:
        RuleViolated: an entry names a job that does not exist.
    """
    unknown = sorted(_entries.keys() - registered_jobs().keys())
    if unknown:
        raise RuleViolated(f"scheduled but not registered: {', '.join(unknown)}")
    wanted = {entry.name: entry for entry in _entries.values()}
    present = set(
        PeriodicTask.objects.filter(name__startswith=NAME_PREFIX).values_list("name", flat=True)
    )
    for name in sorted(wanted.keys() - present):
        _create(wanted[name])
    orphans = PeriodicTask.objects.filter(name__in=present - wanted.keys())
    removed = orphans.count()
    orphans.delete()
    created = len(wanted.keys() - present)
    if created or removed:
        PeriodicTasks.update_changed()
    return SyncedSchedule(created=created, removed=removed)


def _create(entry: ScheduleEntry) -> None:
    task = PeriodicTask(
        name=entry.name,
        task=entry.job,
        kwargs=json.dumps(entry.arguments),
        description=registered_jobs()[entry.job],
    )
    if entry.every is not None:
        task.interval, _is_new = IntervalSchedule.objects.get_or_create(
            every=int(entry.every.total_seconds()), period=IntervalSchedule.SECONDS
        )
    else:
        minute, hour, day, month, weekday = entry.crontab.split()
        task.crontab, _is_new = CrontabSchedule.objects.get_or_create(
            minute=minute,
            hour=hour,
            day_of_month=day,
            month_of_year=month,
            day_of_week=weekday,
            timezone="UTC",
        )
    task.save()


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """A job as the schedule table shows it: how often, and how it went last."""

    job: str
    description: str
    interval: str
    is_enabled: bool
    last_run: JobRun | None


def schedule_rows() -> list[ScheduleRow]:
    """Return every registered job by name, with its interval and its last run."""
    tasks = {
        task.task: task
        for task in PeriodicTask.objects.select_related("interval", "crontab").filter(
            name__startswith=NAME_PREFIX
        )
    }
    newest = JobRun.objects.order_by("name", "-created_at").distinct("name")
    last_runs = {run.name: run for run in newest}
    return [
        ScheduleRow(
            job=name,
            description=description,
            interval=_interval_of(tasks.get(name)),
            is_enabled=name in tasks and tasks[name].enabled,
            last_run=last_runs.get(name),
        )
        for name, description in registered_jobs().items()
    ]


def _interval_of(task: Any) -> str:
    """Write how often a periodic task runs; nothing for a job that only runs when asked to."""
    if task is None:
        return ""
    if task.interval is not None:
        seconds = timedelta(**{task.interval.period: task.interval.every}).total_seconds()
        return formatting.format_duration(seconds)
    return f"{task.crontab.minute} {task.crontab.hour} * * * UTC"


def run_now(*, job: str, actor: Actor) -> JobRun:
    """Start a job by hand, with the arguments that the schedule gives it.

    Raises:
        NotFound: no such job.
    """
    if job not in registered_jobs():
        raise NotFound
    entry = _entries.get(job)
    arguments = entry.arguments if entry else {}
    with transaction.atomic():
        run = enqueue(job, actor=actor, trigger=JobTrigger.MANUAL, **arguments)
        record_audit(action="core:job:started", target=run, actor=actor, after={"job": job})
    return run
