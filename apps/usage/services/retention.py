"""What leaves the database by itself: months of calls after their retention, identities after nobody can send them again.

Source: docs/operations/retention.md.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import structlog
from django.conf import settings
from django.db import connection

from apps.core import clock
from apps.core.actors import Actor
from apps.core.clock import Period
from apps.core.partitions import PartitionBusyError, month_of, stored_months
from apps.usage.enums import ArchiveStatus
from apps.usage.exceptions import ArchiveDamaged, MonthNotArchivable
from apps.usage.models import UsageArchive
from apps.usage.old_events import identity_horizon
from apps.usage.retention import months_after, needed_until
from apps.usage.services.archiving import (
    TABLE,
    forget_month,
    release_month,
    verify_archive,
    write_archive,
)

logger = structlog.get_logger(__name__)

IDENTITIES_AT_ONCE: Final = 10_000
IDENTITY_PARTITIONS: Final = 8
RUN_TIME_LIMIT_S: Final = 600
MIN_ARCHIVE_MONTHS: Final = 2
VERIFIED_FOR: Final = timedelta(days=30)


@dataclass(slots=True)
class RetentionRun:
    """Months that were archived and dropped, removed for good, or put off until the next run."""

    archived: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    postponed: list[str] = field(default_factory=list)


def keep_retention(*, actor: Actor) -> RetentionRun:
    """Do what is due with each month, oldest first. What cannot be done now is found again by the next run."""
    run = RetentionRun()
    for month in _months():
        label = f"{month.start:%Y-%m}"
        try:
            if needed_until(month) <= clock.now():
                forget_month(month=month, actor=actor)
                run.removed.append(label)
            elif is_archive_due(month):
                archive_month(month=month, actor=actor)
                run.archived.append(label)
        except (PartitionBusyError, MonthNotArchivable, ArchiveDamaged) as error:
            logger.warning("usage.retention_postponed", month=label, reason=str(error))
            run.postponed.append(label)
    return run


def _months() -> list[Period]:
    """Return the months that still have calls somewhere."""
    archived = UsageArchive.objects.exclude(status=ArchiveStatus.REMOVED)
    starts = archived.values_list("month_start", flat=True)
    return sorted({*stored_months(TABLE), *(month_of(at.year, at.month) for at in starts)})


def is_archive_due(month: Period) -> bool:
    """Whether a month of the database is old enough for `USAGE_ARCHIVE_AFTER_MONTHS`."""
    months = settings.USAGE_ARCHIVE_AFTER_MONTHS
    if not months or month not in stored_months(TABLE):
        return False
    return months_after(month.end, max(months, MIN_ARCHIVE_MONTHS)) <= clock.now()


def archive_month(*, month: Period, actor: Actor) -> UsageArchive:
    """Write a month's archive, read it back, and drop its partition.

    Raises:
        MonthNotArchivable, ArchiveDamaged, PartitionBusyError: see `write_archive` and `release_month`.
    """
    return release_month(archive=write_archive(month=month, actor=actor), actor=actor)


def verify_old_archives(*, actor: Actor, time_limit_s: float = RUN_TIME_LIMIT_S) -> dict[str, int]:
    """Read archives again that nobody has read for a month, so that damage is known before a proof needs them."""
    deadline, counts = time.monotonic() + time_limit_s, {"verified": 0, "damaged": 0}
    due = UsageArchive.objects.filter(
        status=ArchiveStatus.ONLY_COPY, verified_at__lt=clock.now() - VERIFIED_FOR
    )
    for archive in due.order_by("verified_at"):
        if time.monotonic() > deadline:
            break
        try:
            verify_archive(archive=archive, actor=actor)
            counts["verified"] += 1
        except ArchiveDamaged as error:
            logger.error("usage.archive_damaged", month=str(archive), reason=str(error))  # noqa: TRY400 -- no bug of ours
            counts["damaged"] += 1
    return counts


def forget_identities(*, time_limit_s: float = RUN_TIME_LIMIT_S) -> int:
    """Delete identities of events that no sender may send any more, some thousand at a time; return how many.

    The gateway's own events are taken at any age: such an old one is looked up among the stored calls instead
    (`apps.usage.old_events`).
    """
    before, deadline = identity_horizon(), time.monotonic() + time_limit_s
    deleted = 0
    for number in range(IDENTITY_PARTITIONS):
        part = f"usage_usageeventkey_{number}"
        statement = (
            f'DELETE FROM "{part}" WHERE ctid = ANY (ARRAY('  # noqa: S608 -- our own name
            f'SELECT ctid FROM "{part}" WHERE occurred_at < %s LIMIT %s))'
        )
        count = IDENTITIES_AT_ONCE
        while count == IDENTITIES_AT_ONCE and time.monotonic() < deadline:
            with connection.cursor() as cursor:
                cursor.execute(statement, [before, IDENTITIES_AT_ONCE])
                count = cursor.rowcount
            deleted += count
    return deleted
