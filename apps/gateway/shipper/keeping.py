"""Files whose calls were accepted are kept for a while, so that what got lost behind intake can be sent again.

Bounded by age and by size, the oldest go first. `covered_from_ms` says since when no file is gone; it is on disk before
a file is deleted.
"""

from __future__ import annotations

import logging
import shutil
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

logger = logging.getLogger(__name__)

FOLDER: Final = "kept"
MARKER: Final = "covered-from"
LOOK_EVERY_S: Final = 60.0
_MS: Final = 1000


class KeptFiles:
    """The folder of one shipper's finished journals and logs."""

    def __init__(self, state_dir: Path, *, max_age_s: float, max_bytes: int) -> None:
        """Use a folder below the shipper's own; before its first start nothing is covered.

        Raises: OSError when it cannot be created.
        """
        self.folder = state_dir / FOLDER
        self._max_age_s = max_age_s
        self._max_bytes = max_bytes
        self._looked_at = 0.0
        self.folder.mkdir(parents=True, exist_ok=True)
        self._marker = self.folder / MARKER
        if not self._marker.exists():
            self._write_marker(time.time_ns() // 1_000_000)

    @property
    def covered_from_ms(self) -> int:
        """Since when (Unix milliseconds) every finished file is here."""
        return int(self._marker.read_text())

    def keep(self, path: Path) -> None:
        """Take over a file that will not grow. One that is gone is none.

        Raises: OSError when it cannot be moved; it stays where it is.
        """
        try:
            shutil.move(path, self.folder / path.name)
        except FileNotFoundError:
            return
        self.prune()

    def prune_sometimes(self) -> None:
        """Do as `prune`, at most once a minute."""
        if time.monotonic() - self._looked_at >= LOOK_EVERY_S:
            self.prune()

    def prune(self) -> None:
        """Delete the files that are too old, and the oldest while all are too large."""
        self._looked_at = time.monotonic()
        files = sorted((path.stat().st_mtime, path.stat().st_size, path) for path in self.files())
        size = sum(item[1] for item in files)
        too_old = time.time() - self._max_age_s
        for ended_at, bytes_, path in files:
            if ended_at >= too_old and size <= self._max_bytes:
                return
            if ended_at >= too_old:
                logger.warning("kept files exceed their size: %s goes early", path.name)
            self._write_marker(max(self.covered_from_ms, int(ended_at * _MS) + 1))
            path.unlink(missing_ok=True)
            size -= bytes_

    def files(self) -> list[Path]:
        """Return the files, by name."""
        return [path for path in sorted(self.folder.iterdir()) if path.name != MARKER]

    def _write_marker(self, milliseconds: int) -> None:
        draft = self.folder.parent / f"{MARKER}.draft"
        draft.write_text(str(milliseconds))
        draft.replace(self._marker)
