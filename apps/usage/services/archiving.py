"""Months of calls leave the database: into an archive that was read back, or for good after their retention.

A month is written from one statement's snapshot and read back. Its partition is dropped in one transaction that first
stops writers of that month alone, adds the rows up again and compares them with the archive. So nothing can come between
what was compared and what is dropped, and readers find the month in exactly one of the two places.
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from django.core.files import File
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.utils.translation import gettext as _

from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.clock import Period
from apps.core.partitions import drop_partition, partition_name, stored_months
from apps.usage.acceptance import accepted_past
from apps.usage.archive_files import (
    COLUMNS,
    GROUP_ROWS,
    SORTED_BY,
    ArchiveFile,
    Tally,
    layout_of,
    write_file,
)
from apps.usage.enums import ArchiveStatus
from apps.usage.exceptions import ArchiveDamaged, MonthNotArchivable
from apps.usage.models import UsageArchive, UsageEvent
from apps.usage.selectors import usage_is_complete
from apps.usage.transitions import ARCHIVE

TABLE: Final = UsageEvent._meta.db_table
FOLDER: Final = "usage-archives"


def require_archivable(month: Period) -> None:
    """Refuse a month that may still get calls, or has none here.

    Raises:
        MonthNotArchivable: it is too young, calls are still on their way, or it has no partition.
    """
    if clock.now() < month.end + accepted_past():
        raise MonthNotArchivable(_("Calls of this month are still accepted."))
    if not usage_is_complete(month.end):
        raise MonthNotArchivable(_("Calls of this month are still on their way."))
    if month not in stored_months(TABLE):
        raise MonthNotArchivable(_("This month has no partition in the database."))


def write_archive(*, month: Period, actor: Actor) -> UsageArchive:
    """Write a month to a file, read it back and note it as verified. The calls stay in the database, too.

    Raises:
        MonthNotArchivable: see `require_archivable`; or the month left the database before.
        ArchiveDamaged: what was read back is not what was written.
    """
    require_archivable(month)
    with tempfile.TemporaryFile() as target:
        with (
            transaction.atomic()
        ):  # for the cursor: outside, PostgreSQL would copy the whole month for it
            tally = write_file(_rows_in(month), target)
        layout, size = layout_of(target), target.seek(0, 2)
        target.seek(0)
        wanted = f"{FOLDER}/{month.start:%Y-%m}-{secrets.token_hex(16)}.parquet"
        name = default_storage.save(wanted, File(target))
    try:
        archive = _note_written(month, tally, file_name=name, size_bytes=size, layout=layout)
    except BaseException:
        default_storage.delete(name)
        raise
    return verify_archive(archive=archive, actor=actor)


def _rows_in(month: Period) -> Iterator[list[tuple[Any, ...]]]:
    """Read a month's partition by one statement, whose snapshot the cursor keeps."""
    rows = (
        UsageEvent.objects.filter(occurred_at__gte=month.start, occurred_at__lt=month.end)
        .order_by(*SORTED_BY)
        .values_list(*COLUMNS)
        .iterator(chunk_size=GROUP_ROWS)
    )
    while chunk := list(islice(rows, GROUP_ROWS)):
        yield chunk


@transaction.atomic
def _note_written(month: Period, tally: Tally, **written: Any) -> UsageArchive:
    archive = UsageArchive.objects.select_for_update().filter(month_start=month.start).first()
    if archive is None:
        archive = UsageArchive(month_start=month.start)
    elif archive.status not in (ArchiveStatus.WRITTEN, ArchiveStatus.VERIFIED):
        raise MonthNotArchivable(_("This month left the database before."))
    former = archive.file_name
    archive.status, archive.problem, archive.sha256 = ArchiveStatus.WRITTEN, "", ""
    for field, value in {**written, **tally.as_fields()}.items():
        setattr(archive, field, value)
    archive.save()
    if former:
        transaction.on_commit(lambda: default_storage.delete(former))
    return archive


def verify_archive(*, archive: UsageArchive, actor: Actor) -> UsageArchive:
    """Read a whole archive and compare it with what was noted when it was written.

    Raises:
        ArchiveDamaged: it is missing or differs; the archive says so until it was verified again.
    """
    try:
        with ArchiveFile(archive) as file:
            digest = file.file_sha256()
            is_same = not archive.sha256 or digest == archive.sha256
            if not is_same or _facts(archive) != file.tally().as_fields():
                raise file.damaged(_("Its calls are not those that were written."))
    except ArchiveDamaged as error:
        _note_check(archive, actor, problem=str(error.detail))
        raise
    return _note_check(archive, actor, digest=digest)


def note_damage(*, error: ArchiveDamaged, actor: Actor) -> UsageArchive:
    """Remember that an archive could not be read, so that operators see it; whoever verifies it again takes that back."""
    archive = UsageArchive.objects.get(pk=error.archive_id)
    return _note_check(archive, actor, problem=str(error.detail))


@transaction.atomic
def _note_check(
    archive: UsageArchive, actor: Actor, *, digest: str = "", problem: str = ""
) -> UsageArchive:
    row = UsageArchive.objects.select_for_update().get(pk=archive.pk)
    row.problem = problem[:200]
    if not problem:
        row.verified_at, row.sha256 = clock.now(), digest
        if row.status == ArchiveStatus.WRITTEN:
            ARCHIVE.require(row.status, ArchiveStatus.VERIFIED)
            row.status = ArchiveStatus.VERIFIED
    row.save()
    record_audit(
        action="usage:archive:checked",
        target=row,
        actor=actor,
        after={"month": str(row), "problem": row.problem, "calls": row.row_count},
    )
    return row


@transaction.atomic
def release_month(*, archive: UsageArchive, actor: Actor) -> UsageArchive:
    """Drop the partition of a verified archive; from then on the archive is the only copy.

    Writers of that month alone wait while its calls are compared with the archive.

    Raises:
        InvalidTransition: it is not verified.
        MonthNotArchivable: calls came since it was written; write it anew.
        PartitionBusyError: a long reader kept the table; nothing has changed.
    """
    row = UsageArchive.objects.select_for_update().get(pk=archive.pk)
    ARCHIVE.require(row.status, ArchiveStatus.ONLY_COPY)
    with connection.cursor() as cursor:
        cursor.execute(f'LOCK TABLE "{partition_name(TABLE, row.month)}" IN SHARE MODE')
    tally = Tally()
    for chunk in _rows_in(row.month):
        tally.add_rows(chunk)
    if tally.as_fields() != _facts(row):
        raise MonthNotArchivable(_("Calls came since this month was written; write it anew."))
    drop_partition(TABLE, row.month)
    row.status = ArchiveStatus.ONLY_COPY
    row.save(update_fields=["status", "updated_at"])
    record_audit(
        action="usage:archive:released",
        target=row,
        actor=actor,
        after={"month": str(row), "calls": row.row_count, "sha256": row.sha256},
    )
    return row


@transaction.atomic
def forget_month(*, month: Period, actor: Actor) -> UsageArchive:
    """Remove a month's calls for good, from the database and from the archive. Its windows stay.

    Whether it is time says `retention.needed_until`.

    Raises:
        PartitionBusyError: a long reader kept the table; nothing has changed.
    """
    archive = UsageArchive.objects.select_for_update().filter(month_start=month.start).first()
    archive = archive or UsageArchive(month_start=month.start, status=ArchiveStatus.WRITTEN)
    ARCHIVE.require(archive.status, ArchiveStatus.REMOVED)
    if month in stored_months(TABLE):
        drop_partition(TABLE, month)
    with connection.cursor() as cursor:
        cursor.execute(
            f'DELETE FROM "{TABLE}_default" WHERE occurred_at >= %s AND occurred_at < %s',  # noqa: S608 -- our own name
            [month.start, month.end],
        )
    name, archive.file_name = archive.file_name, ""
    archive.status, archive.removed_at = ArchiveStatus.REMOVED, clock.now()
    archive.save()
    if name:
        transaction.on_commit(lambda: default_storage.delete(name))
    record_audit(
        action="usage:month:removed", target=archive, actor=actor, after={"month": str(archive)}
    )
    return archive


def _facts(archive: UsageArchive) -> dict[str, Any]:
    names = ("row_count", "min_id", "max_id", "ids_sha256", "sums")
    return {name: getattr(archive, name) for name in names}
