"""What the shipper knows, on disk: how far it read, which calls are open, and the batch it is sending.

One file, replaced as a whole. A batch is *prepared* (written here with the state that follows it), sent,
and *committed* (that state becomes the state). After a kill in between, the same bytes are sent again under
the same batch id.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import msgspec

from apps.gateway.journal import JournalRecord

if TYPE_CHECKING:
    from pathlib import Path

STATE_FILE: Final = "state.msgpack"


class Progress(msgspec.Struct, frozen=True):
    """How far journals and logs were read, and the calls opened by a journal but not yet closed by a log."""

    logs: dict[str, int] = {}
    journals: dict[str, int] = {}
    open_calls: dict[str, JournalRecord] = {}


class PreparedBatch(msgspec.Struct, frozen=True):
    """A batch as it goes out (gzip), and the progress that it stands for."""

    batch_id: str
    body: bytes
    progress: Progress


class State(msgspec.Struct, frozen=True):
    """Everything that survives a kill."""

    progress: Progress = Progress()
    prepared: PreparedBatch | None = None


class StateFile:
    """Reads and replaces the state of one shipper."""

    def __init__(self, directory: Path) -> None:
        """Use a directory of the shipper's own.

        Raises: OSError when it cannot be created.
        """
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._path = directory / STATE_FILE

    def load(self) -> State:
        """Return the saved state; an empty one at the first start.

        Raises: msgspec.DecodeError when the file is not ours; starting anew would ship calls twice.
        """
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return State()
        return msgspec.msgpack.decode(data, type=State)

    def save(self, state: State) -> None:
        """Replace the saved state; when this returns, it survives a power cut too.

        Raises: OSError when the disk does not take it; the old state stays.
        """
        draft = self._path.with_suffix(".draft")
        with draft.open("wb") as stream:
            stream.write(msgspec.msgpack.encode(state))
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(self._path)
        directory = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
