"""Finds the calls of journals and logs that are not stored, and sends them again.

Ids make it harmless: what is stored is asked for first, and a call that comes twice is counted once. Journals are read
first, then only what is missing is looked for in the logs, so memory is bounded by what is missing.

Source: docs/operations/reconciliation.md, "Missing calls".
"""

from __future__ import annotations

import gzip
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec

from apps.gateway.journal import SUFFIX, JournalRecord
from apps.gateway.shipper.events import (
    UsageEvent,
    completed_event,
    parse_log_line,
    unconfirmed_event,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

logger = logging.getLogger(__name__)

AT_ONCE: Final = 5_000
# Up to so many calls of the span, log lines without a journal line are counted too.
MATCHED_CALLS: Final = 200_000
UNREADABLE_NAMED: Final = 1_000
_ZIPPED: Final = ".gz"

_record_decoder: Final = msgspec.json.Decoder(JournalRecord)


@dataclass(frozen=True, slots=True)
class Span:
    """Calls decided from `since_ms` to before `until_ms` (Unix milliseconds)."""

    since_ms: int
    until_ms: int

    def holds(self, record: JournalRecord) -> bool:
        """Tell whether a call was decided in it."""
        return self.since_ms <= record.decided_at < self.until_ms


@dataclass(slots=True)
class Found:
    """What a replay found. `unreadable` names lines as `file:line`."""

    calls: int = 0
    known: int = 0
    sent: int = 0
    unconfirmed: int = 0
    lines: int = 0
    unjournaled: int = 0
    unreadable: list[str] = field(default_factory=list)
    # When the first and the last of these calls were decided.
    first_ms: int = 2**53
    last_ms: int = 0

    def note_unreadable(self, path: Path, number: int) -> None:
        """Name a line that cannot be read."""
        if len(self.unreadable) < UNREADABLE_NAMED:
            self.unreadable.append(f"{path.name}:{number}")


class Replay:
    """One replay of files."""

    def __init__(
        self,
        *,
        span: Span,
        missing_of: Callable[[Sequence[str]], Collection[str]],
        send: Callable[[Sequence[UsageEvent]], None],
        ignored: Collection[str] = (),
        reads_all_lines: bool = False,
    ) -> None:
        """Ask `missing_of` which event ids are not stored, and hand those calls to `send`.

        `ignored` are request ids of calls that are still open. With `reads_all_lines` logs are read also when
        nothing is missing, for their counts.
        """
        self.found = Found()
        self._span = span
        self._missing_of = missing_of
        self._send = send
        self._ignored = ignored
        self._reads_all_lines = reads_all_lines
        self._missing: dict[str, JournalRecord] = {}
        self._seen: set[str] | None = set()

    @property
    def is_searching(self) -> bool:
        """Whether calls are missing that no log line was found for yet."""
        return self.waiting > 0

    @property
    def waiting(self) -> int:
        """How many these are."""
        return len(self._missing)

    def read_journals(self, paths: Sequence[Path]) -> None:
        """Find the missing calls of journals.

        Raises: OSError, and what `missing_of` raises.
        """
        waiting: dict[str, JournalRecord] = {}
        for path in paths:
            for number, raw in read_whole_lines(path):
                record = self._record(path, number, raw)
                if record is None or not self._span.holds(record):
                    continue
                if record.request_id in self._ignored or record.event_id in waiting:
                    continue
                waiting[record.event_id] = record
                if len(waiting) >= AT_ONCE:
                    self._ask(waiting)
                    waiting = {}
        self._ask(waiting)

    def read_logs(self, paths: Sequence[Path]) -> None:
        """Send the missing calls that logs tell the end of.

        Raises: OSError, and what `send` raises.
        """
        events: list[UsageEvent] = []
        for path in paths:
            if not self._missing and not self._reads_all_lines:
                break
            for number, raw in read_whole_lines(path):
                self.found.lines += 1
                line = parse_log_line(raw)
                if line is None:
                    self.found.note_unreadable(path, number)
                    continue
                if line.request_id is None:
                    continue
                record = self._missing.pop(line.request_id, None)
                if record is not None:
                    events.append(completed_event(record, line))
                elif line.is_allowed_call and self._is_unjournaled(line.request_id, line.ts):
                    self.found.unjournaled += 1
                if len(events) >= AT_ONCE:
                    self._ship(events)
                    events = []
        self._ship(events)

    def give_up(self) -> None:
        """Send what no log line was found for: the calls are `unconfirmed`.

        Raises: what `send` raises.
        """
        records = list(self._missing.values())
        self._missing = {}
        for start in range(0, len(records), AT_ONCE):
            group = [unconfirmed_event(record) for record in records[start : start + AT_ONCE]]
            self._ship(group)
            self.found.unconfirmed += len(group)

    def _record(self, path: Path, number: int, raw: bytes) -> JournalRecord | None:
        if number == 1:
            return None  # the header
        try:
            return _record_decoder.decode(raw)
        except msgspec.MsgspecError:
            self.found.note_unreadable(path, number)
            return None

    def _ask(self, waiting: dict[str, JournalRecord]) -> None:
        if not waiting:
            return
        missing = set(self._missing_of(list(waiting)))
        self.found.calls += len(waiting)
        decided = [record.decided_at for record in waiting.values()]
        self.found.first_ms = min(self.found.first_ms, *decided)
        self.found.last_ms = max(self.found.last_ms, *decided)
        self.found.known += len(waiting) - len(missing)
        for event_id in missing:
            record = waiting[event_id]
            # A sub-request that was sent again wrote its line twice, in one file or two.
            self._missing.setdefault(record.request_id, record)
        if self._seen is not None:
            self._seen.update(record.request_id for record in waiting.values())
            if len(self._seen) > MATCHED_CALLS:
                self._seen = None

    def _is_unjournaled(self, request_id: str, ended_at: float) -> bool:
        # A call that ended in the span may have been decided before it.
        is_within = self._span.since_ms <= ended_at * 1000 < self._span.until_ms
        if self._seen is None or not is_within or request_id in self._ignored:
            return False
        return request_id not in self._seen

    def _ship(self, events: Sequence[UsageEvent]) -> None:
        if events:
            self._send(events)
            self.found.sent += len(events)


def read_whole_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Return the lines of a file with their numbers, from 1; a line without its end is still being written.

    Raises: OSError, EOFError when the file cannot be read.
    """
    open_file = gzip.open if path.suffix == _ZIPPED else open
    with open_file(path, "rb") as stream:
        for number, line in enumerate(stream, 1):
            if line.endswith(b"\n"):
                yield number, line[:-1]


def is_journal(path: Path) -> bool:
    """Tell whether a file is a journal, by its name."""
    return SUFFIX in path.suffixes[-2:]
