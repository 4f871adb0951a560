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

from apps.core.exceptions import RuleViolated
from apps.core.jobs import registered_jobs

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
