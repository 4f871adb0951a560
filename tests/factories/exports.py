"""Exports, asked for and written."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pyarrow.parquet as pq
from django.core.files.storage import default_storage

from apps.accounts.models import Membership
from apps.usage.models import UsageExport
from apps.usage.services import ExportWish, request_export, write_export
from tests.factories.accounts import actor_of


def ask_export(member: Membership, **wish: Any) -> UsageExport:
    """Ask for an export as a member: the own calls of a week as CSV unless told otherwise."""
    choices = {"side": "consumer", "subject": "calls", "file_format": "csv", **wish}
    return request_export(wish=ExportWish(**choices), actor=actor_of(member))


def write(export: UsageExport) -> UsageExport:
    """Do what the job does."""
    return write_export(export_id=export.pk, on_progress=lambda _done, _total: None)


def make_export(member: Membership, **wish: Any) -> UsageExport:
    """Ask for an export and have it written."""
    return write(ask_export(member, **wish))


def rows_of(export: UsageExport) -> list[dict[str, Any]]:
    """Read a written file back."""
    with default_storage.open(export.file_name, "rb") as file:
        content = file.read()
    if export.file_format == "csv":
        return list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    if export.file_format == "ndjson":
        return [json.loads(line) for line in content.splitlines()]
    rows: list[dict[str, Any]] = pq.read_table(io.BytesIO(content)).to_pylist()
    return rows
