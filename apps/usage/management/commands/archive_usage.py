"""`manage.py archive_usage --month 2026-01`: a month of calls moves from the database into an archive."""

from __future__ import annotations

import argparse
import re
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.core.actors import Actor
from apps.core.clock import Period
from apps.core.exceptions import DomainError
from apps.core.partitions import PartitionBusyError, month_of
from apps.usage.models import UsageEvent
from apps.usage.services import release_month, write_archive
from apps.usage.services.archiving import require_archivable


def _month(text: str) -> Period:
    found = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", text)
    if found is None:
        msg = f"write a month as YYYY-MM, not {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return month_of(int(found[1]), int(found[2]))


class Command(BaseCommand):
    """Write, read back, and drop the partition."""

    help = "Moves a month of calls from the database into a verified Parquet archive."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the month and what is left out."""
        parser.add_argument("--month", type=_month, required=True, help="YYYY-MM, in UTC")
        parser.add_argument("--dry-run", action="store_true", help="only say what would happen")
        parser.add_argument(
            "--keep-partition", action="store_true", help="write and verify, but drop nothing"
        )

    def handle(self, **options: Any) -> None:
        """Archive the month."""
        actor = Actor.system("archive_usage")
        try:
            self._archive(options, actor)
        except (DomainError, PartitionBusyError) as error:
            detail = error.detail if isinstance(error, DomainError) else error
            raise CommandError(str(detail)) from error

    def _archive(self, options: dict[str, Any], actor: Actor) -> None:
        month: Period = options["month"]
        require_archivable(month)
        if options["dry_run"]:
            calls = UsageEvent.objects.filter(
                occurred_at__gte=month.start, occurred_at__lt=month.end
            ).count()
            self.stdout.write(f"{month.start:%Y-%m}: {calls} calls would be archived")
            return
        archive = write_archive(month=month, actor=actor)
        if not options["keep_partition"]:
            archive = release_month(archive=archive, actor=actor)
        self.stdout.write(
            f"{archive}: {archive.status}, {archive.row_count} calls, {archive.size_bytes} bytes, "
            f"sha256 {archive.sha256}, {archive.file_name}"
        )
