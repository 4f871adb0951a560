"""Handing an exported file to who asked for it."""

from __future__ import annotations

import base64
from typing import Final

from django.core.files.storage import default_storage
from django.http import FileResponse

from apps.usage.enums import ExportFormat, ExportStatus
from apps.usage.exceptions import ExportNotReady
from apps.usage.models import UsageExport

CONTENT_TYPES: Final[dict[str, str]] = {
    ExportFormat.CSV: "text/csv; charset=utf-8; header=present",
    ExportFormat.NDJSON: "application/x-ndjson",
    ExportFormat.PARQUET: "application/vnd.apache.parquet",
}


def file_response(export: UsageExport) -> FileResponse:
    """Return the file as a download, in pieces, with its digest (RFC 9530).

    Raises:
        ExportNotReady: it is not written yet, or gone.
    """
    if export.status != ExportStatus.READY or not default_storage.exists(export.file_name):
        raise ExportNotReady
    response = FileResponse(
        default_storage.open(export.file_name, "rb"),
        as_attachment=True,
        filename=export.download_name,
        content_type=CONTENT_TYPES[export.file_format],
    )
    digest = base64.b64encode(bytes.fromhex(export.sha256)).decode()
    response["Repr-Digest"] = f"sha-256=:{digest}:"
    response["Cache-Control"] = "private, no-store"
    return response
