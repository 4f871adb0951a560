"""Shows how far the demo is: a line per step, and a bar inside long ones."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

BAR_CHARS: Final = 24


class Progress:
    """Prints steps as they begin and end; the bar is drawn only on a terminal."""

    def __init__(self) -> None:
        """Start counting."""
        self.number = 0
        self.total = 0
        self.is_terminal = sys.stdout.isatty()

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Show one step with the time that it took."""
        self.number += 1
        label = f"[{self.number:2}/{self.total}] {text}"
        began = time.monotonic()
        if self.is_terminal:
            self._write(f"\r{label} …")
        yield
        self._write(f"\r{label:<70} {time.monotonic() - began:5.1f} s\n")

    def bar(self, text: str, done: int, total: int) -> None:
        """Redraw the bar of the running step."""
        if not self.is_terminal:
            return
        filled = BAR_CHARS * done // max(total, 1)
        marks = "█" * filled + "·" * (BAR_CHARS - filled)
        self._write(f"\r[{self.number:2}/{self.total}] {text} {marks} {done:,}/{total:,} ")

    def fail(self, reason: str) -> None:
        """Say what broke."""
        self._write(f"\ndemo: step {self.number} failed: {reason}\n")

    @staticmethod
    def _write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()
