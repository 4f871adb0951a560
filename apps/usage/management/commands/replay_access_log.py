"""`manage.py replay_access_log FILE … --journal FILE …`: count the calls of log files that were never counted."""

from __future__ import annotations

import argparse
import gzip
import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from apps.core.actors import Actor
from apps.core.exceptions import DomainError
from apps.gateway.shipper.client import batch_id_of, encode_events
from apps.gateway.shipper.events import UsageEvent
from apps.gateway.shipper.replaying import Found, Replay, Span, is_journal
from apps.usage.ingestion import accept_batch
from apps.usage.selectors import missing_events
from apps.usage.services import ReplayResult, record_file_replay

EVER: Final = Span(0, 2**53)
# As the shipper sends it: a platform actor, whose calls are never rejected.
ACTOR: Final = Actor.system("replay_access_log")
JOURNALS_SETTING: Final = "GATEWAY_JOURNAL_DIR"


class Command(BaseCommand):
    """Sends what is not stored; running it again changes nothing."""

    help = "Send the calls of gateway log files that are not stored. Known calls are left alone."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take logs and journals, plain or gzipped, or folders of them."""
        parser.add_argument("logs", nargs="+", type=Path, help="access logs, or folders of them")
        parser.add_argument(
            "--journal",
            action="append",
            type=Path,
            default=[],
            help=f"a journal or a folder of them; default: {JOURNALS_SETTING}",
        )
        parser.add_argument("--dry-run", action="store_true", help="tell, and send nothing")
        parser.add_argument(
            "--unconfirmed",
            action="store_true",
            help="also send calls without a log line: only when all of the journal's logs are given",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Replay, and print what was found."""
        journals, logs = _journals_of(options["journal"]), _files_of(options["logs"])
        logs = [path for path in logs if not is_journal(path)]
        is_dry = options["dry_run"]
        replay = Replay(
            span=EVER,
            missing_of=_missing_of,
            send=_ignore if is_dry else _send,
            reads_all_lines=True,
        )
        try:
            replay.read_journals(journals)
            replay.read_logs(logs)
            unended = replay.waiting
            if options["unconfirmed"]:
                replay.give_up()
        except (OSError, EOFError) as error:
            raise CommandError(f"cannot read: {error}") from error
        except DomainError as error:
            raise CommandError(f"{error}; run it again later") from error
        self._tell(replay.found, unended, is_dry=is_dry)
        if not is_dry and replay.found.sent:
            _record(replay.found, [path.name for path in (*logs, *journals)])

    def _tell(self, found: Found, unended: int, *, is_dry: bool) -> None:
        rows = {
            "log lines": found.lines,
            "calls in journals": found.calls,
            "known": found.known,
            "missing": found.calls - found.known,
            "to send" if is_dry else "sent": found.sent,
            "without a log line": unended,
            "log lines without a journal line": found.unjournaled,
            "unreadable lines": len(found.unreadable),
        }
        for name, count in rows.items():
            self.stdout.write(f"{name}: {count}")
        for place in found.unreadable:
            self.stdout.write(f"  {place}")


def _journals_of(given: Sequence[Path]) -> list[Path]:
    if not given:
        folder = os.environ.get(JOURNALS_SETTING)
        if not folder:
            raise CommandError(f"Give --journal, or set {JOURNALS_SETTING}.")
        given = [Path(folder)]
    files = _files_of(given)
    # A folder may hold logs beside its journals; a file that was named is one.
    return [path for path in files if path in given or is_journal(path)]


def _files_of(paths: Iterable[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise CommandError(f"There is no {path}.")
        found += (
            sorted(item for item in path.iterdir() if item.is_file()) if path.is_dir() else [path]
        )
    return found


def _missing_of(ids: Sequence[str]) -> list[str]:
    return [str(event_id) for event_id in missing_events(UUID(text) for text in ids)]


def _send(events: Sequence[UsageEvent]) -> None:
    packed = encode_events(events)
    body = gzip.decompress(packed)
    accept_batch(body=body, packed=packed, batch_key=batch_id_of(packed), actor=ACTOR)


def _record(found: Found, files: Sequence[str]) -> None:
    record_file_replay(
        files=files,
        since=datetime.fromtimestamp(found.first_ms / 1000, tz=UTC),
        until=datetime.fromtimestamp((found.last_ms + 1) / 1000, tz=UTC),
        result=ReplayResult(
            covered_from=datetime.fromtimestamp(found.first_ms / 1000, tz=UTC),
            call_count=found.calls,
            known_count=found.known,
            sent_count=found.sent,
            unconfirmed_count=found.unconfirmed,
            line_count=found.lines,
            unjournaled_count=found.unjournaled,
            unreadable=tuple(found.unreadable),
        ),
        actor=ACTOR,
    )


def _ignore(_events: Sequence[UsageEvent]) -> None:
    """Send nothing."""
