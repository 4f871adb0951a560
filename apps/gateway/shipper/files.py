"""Reads growing and rolled files of lines, known by their first line rather than by name or inode.

A name moves when a file is rolled, and an inode is used again after a file is deleted; the first line of
a journal (a random id) and of an access log (a request id) never comes twice.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

READ_BYTES: Final = 4 * 1024 * 1024
MAX_FIRST_LINE: Final = 1024 * 1024
IDENTITY_CHARS: Final = 32


@dataclass(frozen=True)
class LineFile:
    """A file that begins with at least one whole line."""

    path: Path
    identity: str
    inode: tuple[int, int]
    size: int


@dataclass(frozen=True)
class Chunk:
    """Whole lines of a file from `start` to `end` (byte offsets)."""

    file: LineFile
    start: int
    end: int
    lines: list[bytes]


def identify(path: Path) -> LineFile | None:
    """Return a file with its identity; None while it has no whole line, or when it is gone."""
    try:
        with path.open("rb") as stream:
            first = stream.readline(MAX_FIRST_LINE)
            status = os.fstat(stream.fileno())
    except FileNotFoundError:
        return None
    if not first.endswith(b"\n"):
        return None
    digest = hashlib.sha256(first).hexdigest()[:IDENTITY_CHARS]
    return LineFile(path, digest, (status.st_dev, status.st_ino), status.st_size)


def read_lines(file: LineFile, start: int, *, max_lines: int) -> Chunk:
    """Read whole lines from an offset on: at most `max_lines`, and about `READ_BYTES`.

    A line that is not finished yet is left for the next time. A file that was moved or deleted since it
    was identified has no lines; it is found again under its new name.
    """
    try:
        with file.path.open("rb") as stream:
            status = os.fstat(stream.fileno())
            if (status.st_dev, status.st_ino) != file.inode:
                return Chunk(file, start, start, [])
            stream.seek(start)
            data = stream.read(READ_BYTES)
            if data and b"\n" not in data:
                data += stream.readline()
    except FileNotFoundError:
        data = b""
    lines = data.split(b"\n")[:-1][:max_lines]
    end = start + sum(len(line) + 1 for line in lines)
    return Chunk(file, start, end, lines)


def has_no_writer(path: Path) -> bool:
    """Tell whether nobody holds the lock of a journal file: then it never grows again."""
    try:
        with path.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (BlockingIOError, FileNotFoundError):
        return False
    return True


def list_journals(directory: Path, suffix: str) -> list[LineFile]:
    """Return the journal files, oldest first by name."""
    found = (identify(path) for path in sorted(directory.glob(f"*{suffix}")))
    return [file for file in found if file is not None]


def list_logs(current: Path) -> list[LineFile]:
    """Return the access log's files, oldest first: the rolled ones by their time, then the current one.

    The current file is looked at first: if Caddy rolls it just now, it is still seen under its new name.
    """
    newest = identify(current)
    rolled = sorted(current.parent.glob(f"{current.stem}-*{current.suffix}"))
    files = [file for path in rolled if (file := identify(path)) is not None]
    if newest is not None and newest.identity not in {file.identity for file in files}:
        files.append(newest)
    return files
