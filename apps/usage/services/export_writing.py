"""Writing an export's file: read by chunks, written to a temporary file, stored under a name nobody can guess."""

from __future__ import annotations

import hashlib
import secrets
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, Final
from uuid import UUID

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.urls import reverse
from django.utils.translation import override

from apps.accounts.models import User
from apps.core import clock
from apps.core.exceptions import DomainError
from apps.core.formatting import format_day, format_number
from apps.notifications.kinds import NotificationKind
from apps.notifications.services import Message, notify
from apps.usage import notices
from apps.usage.enums import ExportSide, ExportStatus
from apps.usage.exceptions import ExportTooLarge
from apps.usage.export_columns import columns_of
from apps.usage.export_rows import expected_rows, row_chunks
from apps.usage.export_writers import open_writer
from apps.usage.models import UsageExport
from apps.usage.transitions import EXPORT

FOLDER: Final = "usage-exports"
SERVER_ERROR: Final = "server_error"
MEGABYTE: Final = 1024 * 1024
OnProgress = Callable[[int, int], None]


class _CalledOffError(Exception):
    """Somebody cancelled the export, or another worker has begun it anew."""


def write_export(*, export_id: UUID, on_progress: OnProgress) -> UsageExport:
    """Write an export's file and tell its requester. May be run twice: what was begun is begun anew.

    A refusal (too large) ends in the state `failed` with its code; any other error too, and is raised.
    """
    export = _begin(export_id)
    if export is None:
        return UsageExport.objects.get(pk=export_id)
    try:
        with tempfile.TemporaryFile() as target:
            rows = _write_rows(export, target, on_progress)
            return _store(export, target, rows)
    except _CalledOffError:
        return UsageExport.objects.get(pk=export_id)
    except DomainError as refusal:
        return _fail(export, refusal.error_code)
    except Exception:  # any: who asked is told that it failed; the job shows the error raised anew
        _fail(export, SERVER_ERROR)
        raise


@transaction.atomic
def _begin(export_id: UUID) -> UsageExport | None:
    """Take the export with a fresh file name, which is the mark of this run; None when it has ended."""
    row = UsageExport.objects.lock(export_id)
    if not EXPORT.allows(row.status, ExportStatus.RUNNING):
        return None
    row.status = ExportStatus.RUNNING
    row.file_name = f"{FOLDER}/{secrets.token_urlsafe(32)}.{row.file_format}"
    row.save(update_fields=["status", "file_name", "updated_at"])
    return row


def _write_rows(export: UsageExport, target: BinaryIO, on_progress: OnProgress) -> int:
    writer = open_writer(export.file_format, columns_of(export.subject, export.side), target)
    done, expected = 0, expected_rows(export)
    for chunk in row_chunks(export):
        _require_wanted(export)
        writer.write(chunk)
        done += len(chunk)
        _require_fitting(done, target.tell())
        on_progress(done, max(done, expected))
    writer.close()
    return done


def _require_wanted(export: UsageExport) -> None:
    is_wanted = UsageExport.objects.filter(
        pk=export.pk, status=ExportStatus.RUNNING, file_name=export.file_name
    ).exists()
    if not is_wanted:
        raise _CalledOffError


def _require_fitting(rows: int, size_bytes: int) -> None:
    if (
        rows > settings.USAGE_EXPORT_MAX_ROWS
        or size_bytes > settings.USAGE_EXPORT_MAX_MB * MEGABYTE
    ):
        raise ExportTooLarge


def _store(export: UsageExport, target: BinaryIO, rows: int) -> UsageExport:
    size = target.seek(0, 2)
    target.seek(0)
    digest = hashlib.file_digest(target, "sha256").hexdigest()  # type: ignore[arg-type]  # a binary file
    target.seek(0)
    stored_name = default_storage.save(
        export.file_name, File(target, name=Path(export.file_name).name)
    )
    try:
        return _finish(export, stored_name, rows=rows, size=size, digest=digest)
    except BaseException:
        default_storage.delete(stored_name)
        raise


@transaction.atomic
def _finish(
    export: UsageExport, stored_name: str, *, rows: int, size: int, digest: str
) -> UsageExport:
    row = UsageExport.objects.lock(export.pk)
    if row.status != ExportStatus.RUNNING or row.file_name != export.file_name:
        raise _CalledOffError
    now = clock.now()
    row.status, row.file_name, row.finished_at = ExportStatus.READY, stored_name, now
    row.row_count, row.size_bytes, row.sha256 = rows, size, digest
    row.expires_at = now + timedelta(days=settings.USAGE_EXPORT_DAYS)
    row.save()
    tell_requester(row, notices.EXPORT_READY)
    return row


@transaction.atomic
def _fail(export: UsageExport, code: str) -> UsageExport:
    row = UsageExport.objects.lock(export.pk)
    if row.file_name == export.file_name and EXPORT.allows(row.status, ExportStatus.FAILED):
        row.status, row.error_code, row.finished_at = ExportStatus.FAILED, code, clock.now()
        row.file_name = ""
        row.save(update_fields=["status", "error_code", "finished_at", "file_name", "updated_at"])
        tell_requester(row, notices.EXPORT_FAILED)
    return row


def tell_requester(export: UsageExport, kind: NotificationKind) -> None:
    """Tell the person who asked for an export how it ended."""
    if export.requested_by_id is None:
        return  # a service token asks by itself whether the file is there
    user = User.objects.filter(pk=export.requested_by_id, is_active=True).first()
    if user is None:
        return
    is_operator = export.side == ExportSide.OPERATOR
    with override(user.language):
        context = {
            "name": export.download_name,
            "rows": format_number(export.row_count),
            "expires": format_day(export.expires_at) if export.expires_at else "",
        }
    url = reverse("admin:usage_usageexport_changelist" if is_operator else "usage:exports")
    message = Message(
        kind=kind.name,
        dedupe_key=f"{kind.name}:{export.public_id}",
        url=url,
        context=context,
    )
    notify(users=[user], organization=export.organization, message=message)
