"""Joins journal and access log into batches. Reads only; what it read counts once a batch is committed.

The log is read first. A journal line is always older than its log line, so reading the journals up to the
chunk's last moment finds the opening of every call that the chunk closes, with a bounded memory.

Source: docs/architecture/gateway.md §7.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

import msgspec

from apps.gateway.journal import SUFFIX, JournalRecord
from apps.gateway.shipper.events import (
    LogLine,
    UsageEvent,
    completed_event,
    parse_log_line,
    unconfirmed_event,
)
from apps.gateway.shipper.files import LineFile, has_no_writer, list_journals, list_logs, read_lines
from apps.gateway.shipper.state import Progress

if TYPE_CHECKING:
    from pathlib import Path

    from apps.gateway.shipper.keeping import KeptFiles

logger = logging.getLogger(__name__)

MAX_EVENTS: Final = 5_000
# Clocks of two processes on one machine may be set between two lines.
CLOCK_SLACK_MS: Final = 1_000
# From a decision to its journal line: the authorizer's patience with the store, and a sub-request that the
# proxy sends again and that is answered with the first decision's time.
DECISION_LAG_MS: Final = 4_000
_MS: Final = 1000

_record_decoder: Final = msgspec.json.Decoder(JournalRecord)


@dataclass
class Batch:
    """What one pass found: events, and the progress that counts when they are accepted."""

    events: list[UsageEvent]
    progress: Progress
    oldest_unshipped_ms: int
    # Whether more lines wait already.
    has_more: bool
    # Where each key was last used from; told beside the events, so that no event holds an address.
    key_addresses: dict[str, str] = field(default_factory=dict)


@dataclass
class _Pass:
    """The working copies of one pass."""

    logs: dict[str, int]
    journals: dict[str, int]
    open_calls: dict[str, JournalRecord]
    events: list[UsageEvent] = field(default_factory=list)
    key_addresses: dict[str, str] = field(default_factory=dict)
    next_unread_ms: int | None = None


class Collector:
    """Finds the next batch of one gateway's files."""

    def __init__(
        self, journal_dir: Path, access_log: Path, longest_call_s: float, kept: KeptFiles
    ) -> None:
        """Read these files; call a call unconfirmed after this time without a log line. What is done with goes to `kept`."""
        self._kept = kept
        self._journal_dir = journal_dir
        self._access_log = access_log
        self._longest_call_ms = int(longest_call_s * _MS)

    def collect(self, progress: Progress) -> Batch:
        """Return what comes after a progress."""
        now_ms = time.time_ns() // 1_000_000
        work = _Pass(dict(progress.logs), dict(progress.journals), dict(progress.open_calls))
        lines, at_end = self._read_log(work)
        last_ms = max((int(line.ts * _MS) for line in lines), default=None)
        self._read_journals(work, until_ms=None if at_end else last_ms)
        self._close_calls(work, lines)
        if at_end and work.next_unread_ms is None:
            self._give_up(work, now_ms - self._longest_call_ms)
        waiting = [record.decided_at for record in work.open_calls.values()]
        unread = now_ms if work.next_unread_ms is None else work.next_unread_ms
        if not at_end and last_ms is not None:
            unread = min(unread, last_ms)
        return Batch(
            events=work.events,
            progress=Progress(work.logs, work.journals, work.open_calls),
            oldest_unshipped_ms=min([unread - DECISION_LAG_MS, *waiting]),
            has_more=not at_end or work.next_unread_ms is not None,
            key_addresses=work.key_addresses,
        )

    def put_away_shipped(self, progress: Progress) -> Progress:
        """Put away files that will not grow and were wholly accepted; return the progress without them."""
        logs, journals = dict(progress.logs), dict(progress.journals)
        for file in list_journals(self._journal_dir, SUFFIX):
            if has_no_writer(file.path) and _is_read(file, journals):
                self._kept.keep(file.path)
                journals.pop(file.identity, None)
        for file in list_logs(self._access_log):
            if file.path != self._access_log and _is_read(file, logs):
                self._kept.keep(file.path)
                logs.pop(file.identity, None)
        self._kept.prune_sometimes()
        return Progress(logs, journals, progress.open_calls)

    def _read_log(self, work: _Pass) -> tuple[list[LogLine], bool]:
        """Read the next lines of the log; tell whether its end was reached."""
        lines: list[LogLine] = []
        for file in list_logs(self._access_log):
            chunk = read_lines(
                file, work.logs.get(file.identity, 0), max_lines=MAX_EVENTS - len(lines)
            )
            work.logs[file.identity] = chunk.end
            for raw in chunk.lines:
                line = parse_log_line(raw)
                if line is None:
                    logger.error("%s: a line near %d is not a log line", file.path, chunk.start)
                else:
                    lines.append(line)
            if read_lines(file, chunk.end, max_lines=1).lines:
                return lines, False
        return lines, True

    def _read_journals(self, work: _Pass, until_ms: int | None) -> None:
        """Open the calls of every journal up to a moment; without one, up to a bound."""
        for file in list_journals(self._journal_dir, SUFFIX):
            self._read_journal(work, file, until_ms)

    def _read_journal(self, work: _Pass, file: LineFile, until_ms: int | None) -> None:
        while True:
            start = work.journals.get(file.identity, 0)
            chunk = read_lines(file, start, max_lines=MAX_EVENTS)
            if not chunk.lines:
                return
            for raw in chunk.lines:
                record = _parse_record(raw, file, start)
                if record is not None:
                    if until_ms is not None and record.decided_at > until_ms + CLOCK_SLACK_MS:
                        work.journals[file.identity] = start
                        work.next_unread_ms = min(
                            record.decided_at, work.next_unread_ms or record.decided_at
                        )
                        return
                    # A sub-request that was sent again wrote its line twice: the first one counts.
                    work.open_calls.setdefault(record.request_id, record)
                start += len(raw) + 1
            work.journals[file.identity] = start

    def _close_calls(self, work: _Pass, lines: list[LogLine]) -> None:
        searched = work.next_unread_ms is None
        for line in lines:
            if line.request_id is None:
                continue
            record = work.open_calls.pop(line.request_id, None)
            if not line.is_allowed_call:
                if record is not None:
                    # The authorizer died between journal and answer: the gateway answered instead, which bills nothing.
                    work.events.append(completed_event(record, line))
                continue
            if record is None and not searched:
                # The clock was set back between the two lines: look through all journals once.
                self._read_journals(work, until_ms=None)
                work.next_unread_ms, searched = None, True
                record = work.open_calls.pop(line.request_id, None)
            if record is None:
                logger.error("call %s is in the access log but in no journal", line.request_id)
                continue
            work.events.append(completed_event(record, line))
            if is_address(line.request.client_ip):
                work.key_addresses[record.key_id] = line.request.client_ip

    def _give_up(self, work: _Pass, before_ms: int) -> None:
        """Turn calls that nobody closed in time into unconfirmed ones."""
        overdue = [record for record in work.open_calls.values() if record.decided_at < before_ms]
        for record in overdue[: MAX_EVENTS - len(work.events)]:
            logger.warning("call %s has no line in the access log: unconfirmed", record.request_id)
            del work.open_calls[record.request_id]
            work.events.append(unconfirmed_event(record))


def _parse_record(raw: bytes, file: LineFile, start: int) -> JournalRecord | None:
    if start == 0:
        return None  # the header
    try:
        return _record_decoder.decode(raw)
    except msgspec.MsgspecError:
        logger.error("%s: the line at %d is not a journal line", file.path, start)  # noqa: TRY400
        return None


def is_address(text: str) -> bool:
    """Tell whether a text is an address of IPv4 or IPv6, without a zone."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def _is_read(file: LineFile, offsets: dict[str, int]) -> bool:
    """Tell whether no whole line is left; a torn last line of a killed writer was never a call."""
    offset = offsets.get(file.identity)
    return offset is not None and not read_lines(file, offset, max_lines=1).lines
