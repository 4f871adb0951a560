"""Answers web when it asks for calls that it does not have: from the files at hand and those that are kept."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from apps.gateway.journal import SUFFIX
from apps.gateway.shipper.client import NotAcceptedError, batch_id_of, encode_events
from apps.gateway.shipper.events import format_time
from apps.gateway.shipper.files import list_journals, list_logs
from apps.gateway.shipper.replaying import Found, Replay, Span, is_journal

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime
    from pathlib import Path

    from apps.gateway.shipper.client import IntakeClient, ReplayAsked
    from apps.gateway.shipper.config import ShipperSettings
    from apps.gateway.shipper.events import UsageEvent
    from apps.gateway.shipper.keeping import KeptFiles

logger = logging.getLogger(__name__)

# The log is rolled while it is read at most so often.
LISTINGS = 5


class ReplayDesk:
    """Replays of one shipper, one at a time, between two batches."""

    def __init__(self, settings: ShipperSettings, kept: KeptFiles) -> None:
        """Read the shipper's journals and logs, and what it kept of them."""
        self._settings = settings
        self._kept = kept

    def answer(
        self,
        asked: ReplayAsked,
        client: IntakeClient,
        *,
        shipped_until_ms: int,
        open_calls: Collection[str],
    ) -> bool:
        """Send what is missing of a span, and report; return whether it was done.

        A span that was not shipped as a whole yet waits: web asks again with each batch. So it does when web cannot
        be reached with the report.
        """
        span = Span(_milliseconds(asked.since), _milliseconds(asked.until))
        if shipped_until_ms < span.until_ms:
            return False
        logger.info("replay %s begins", asked.id)
        replay = Replay(
            span=span,
            missing_of=client.missing,
            send=lambda events: _send(client, events),
            ignored=open_calls,
        )
        error = ""
        try:
            self._read(replay, span)
        except (OSError, EOFError, NotAcceptedError) as failure:
            logger.exception("replay %s failed", asked.id)
            error = f"{type(failure).__name__}: {failure}"[:1_000]
        try:
            client.report_replay(asked.id, self._result(replay.found, error))
        except NotAcceptedError:
            logger.exception("replay %s: the report was not taken", asked.id)
            return False
        return True

    def _read(self, replay: Replay, span: Span) -> None:
        kept = [path for path in self._kept.files() if _ended_ms(path) >= span.since_ms]
        journals = list_journals(self._settings.journal_dir, SUFFIX)
        replay.read_journals([*filter(is_journal, kept), *(journal.path for journal in journals)])
        replay.read_logs([path for path in kept if not is_journal(path)])
        read: set[str] = set()
        for _ in range(LISTINGS):
            # A log that is rolled while it is read is listed again under its new name.
            files = [f for f in list_logs(self._settings.access_log) if f.identity not in read]
            if not files or not replay.is_searching:
                break
            replay.read_logs([file.path for file in files])
            read |= {file.identity for file in files}
        replay.give_up()

    def _result(self, found: Found, error: str) -> dict[str, Any]:
        return {
            "covered_from": format_time(self._kept.covered_from_ms),
            "call_count": found.calls,
            "known_count": found.known,
            "sent_count": found.sent,
            "unconfirmed_count": found.unconfirmed,
            "line_count": found.lines,
            "unjournaled_count": found.unjournaled,
            "unreadable": found.unreadable,
            "error": error,
        }


def _send(client: IntakeClient, events: Sequence[UsageEvent]) -> None:
    body = encode_events(events)
    client.send(batch_id_of(body), body)


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _ended_ms(path: Path) -> int:
    return int(path.stat().st_mtime * 1000) + 1
