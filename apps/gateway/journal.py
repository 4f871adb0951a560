"""The form of the journal: what the authorizer writes before it allows a call, and the shipper reads.

Source: docs/architecture/gateway.md §5.
"""

from __future__ import annotations

from typing import Final

import msgspec

FORMAT: Final = 1
SUFFIX: Final = ".jsonl"


class JournalHeader(msgspec.Struct, frozen=True):
    """First line of a journal file. `journal` is random, so that no two files begin alike."""

    journal: str
    node: str
    started_at: int
    format: int = FORMAT


class JournalRecord(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One allowed call. `decided_at` is Unix milliseconds of real time.

    `clock_offset_ms` is how far the test clock of a sandbox account ran ahead when the call was decided.
    """

    request_id: str
    event_id: str
    decided_at: int
    key_id: str
    subscription_id: str
    api_id: str
    node: str
    method: str
    path: str
    clock_offset_ms: int | None = None
