"""Writes the journal: a call is on file before it is allowed.

Lines of one event-loop tick share one `write()`. A line is whole or absent: what a failed write left is
cut off again. The writer's lock on its file tells the shipper that the file may still grow.

Source: docs/architecture/gateway.md §5.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import time
import uuid
from typing import TYPE_CHECKING, Final

import msgspec

from apps.gateway.journal import SUFFIX, JournalHeader, JournalRecord

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

logger = logging.getLogger(__name__)

MAX_FILE_BYTES: Final = 64 * 1024 * 1024
MAX_FILE_SECONDS: Final = 300.0
SPACE_CHECK_S: Final = 1.0
_MEGABYTE: Final = 1024 * 1024

_encoder: Final = msgspec.json.Encoder()


class JournalWriter:
    """Appends records to the journal of one authorizer process."""

    def __init__(self, directory: Path, node: str, *, min_free_mb: int) -> None:
        """Begin a new file; older ones of this node belong to the shipper.

        Raises: OSError when the directory cannot be written.
        """
        self._directory = directory
        self._node = node
        self._min_free_mb = min_free_mb
        self._buffer: list[bytes] = []
        self._waiting: list[Callable[[bool], None]] = []
        self._files = 0
        self._descriptor = -1
        self._size = 0
        self._opened_at = 0.0
        directory.mkdir(parents=True, exist_ok=True)
        self._open_file()
        self.has_space = self._measure_space()

    def append(self, record: JournalRecord, done: Callable[[bool], None]) -> None:
        """Put a record on file with the others of this tick.

        `done` is told whether the line is on file; if not, the call may not pass. It must not raise.
        """
        if not self.has_space:
            done(False)  # noqa: FBT003 -- a callback's only argument
            return
        if not self._buffer:
            asyncio.get_running_loop().call_soon(self._flush)
        self._buffer.append(_encoder.encode(record))
        self._waiting.append(done)

    async def watch(self) -> None:
        """Look after free space and the age of the file until cancelled."""
        while True:
            await asyncio.sleep(SPACE_CHECK_S)
            self.has_space = self._measure_space()
            if time.monotonic() - self._opened_at > MAX_FILE_SECONDS:
                self._rotate()

    def close(self) -> None:
        """Write what waits and let go of the file."""
        self._flush()
        os.close(self._descriptor)

    def _flush(self) -> None:
        if not self._buffer:
            return
        lines, waiting = self._buffer, self._waiting
        self._buffer, self._waiting = [], []
        lines.append(b"")
        try:
            self._write(b"\n".join(lines))
            is_on_file = True
        except OSError as error:
            logger.error("journal: %s", error)  # noqa: TRY400 -- the errno says it all
            is_on_file = False
        for done in waiting:
            done(is_on_file)
        if self._size > MAX_FILE_BYTES:
            self._rotate()

    def _write(self, data: bytes) -> None:
        try:
            _write_whole(self._descriptor, data)
        except OSError:
            # Calls of this write are refused, so no part of their lines may stay.
            os.ftruncate(self._descriptor, self._size)
            raise
        self._size += len(data)

    def _rotate(self) -> None:
        old = self._descriptor
        try:
            self._open_file()
        except OSError as error:
            # The old file still works; the next check tries again.
            logger.error("journal: cannot begin a new file: %s", error)  # noqa: TRY400 -- see above
            return
        os.close(old)

    def _open_file(self) -> None:
        started_at = time.time_ns() // 1_000_000
        self._files += 1
        path = self._directory / f"{self._node}-{started_at}-{self._files}{SUFFIX}"
        header = JournalHeader(uuid.uuid4().hex, self._node, started_at)
        line = _encoder.encode(header) + b"\n"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            _write_whole(descriptor, line)
        except OSError:
            os.close(descriptor)
            path.unlink()
            raise
        self._descriptor, self._size = descriptor, len(line)
        self._opened_at = time.monotonic()

    def _measure_space(self) -> bool:
        stats = os.statvfs(self._directory)
        return stats.f_bavail * stats.f_frsize >= self._min_free_mb * _MEGABYTE


def _write_whole(descriptor: int, data: bytes) -> None:
    written = os.write(descriptor, data)
    if written < len(data):
        raise OSError(f"wrote {written} of {len(data)} bytes")
