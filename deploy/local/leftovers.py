"""Processes of an earlier run whose launcher was killed: found and ended before the next start.

Normally the kernel has signalled them already (see process.py); what hangs, or was started by one
of them, is found here: by the record of what we started, and by the state folder's name in its
environment.
"""

import json
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local.process import signal_process, wait_until

RECORD: Final = "processes.json"
STATE_VARIABLE: Final = "TOLLGATE_STATE_DIR"
PROC: Final = Path("/proc")
PATIENCE_S: Final = 5.0
# Positions in /proc/<pid>/stat behind the program's name, which may hold spaces.
STATE_FIELD: Final = 0
START_FIELD: Final = 19


@dataclass(frozen=True)
class Known:
    """A process of ours: its id may be given to another one, its start time tells them apart."""

    pid: int
    started: str
    stop_signal: signal.Signals = signal.SIGTERM

    def is_alive(self) -> bool:
        """Tell whether this very process still runs."""
        return start_time(self.pid) == self.started


class Leftovers:
    """The record of what a launcher has started, in its state folder."""

    def __init__(self, state: Path) -> None:
        """Use the record in `state`; it may be that of an earlier launcher."""
        self._state = state
        self._path = state / RECORD
        self._known: dict[str, Known] = {}

    def note(self, name: str, pid: int, stop_signal: signal.Signals) -> None:
        """Remember a process that was started."""
        self._known[name] = Known(pid, start_time(pid) or "", stop_signal)
        self._save()

    def forget(self, name: str) -> None:
        """Remember no longer: the process was ended."""
        self._known.pop(name, None)
        self._save()

    def end_all(self) -> int:
        """End what an earlier launcher left behind; return how many processes that were."""
        found = [known for known in [*self._recorded(), *self._marked()] if known.is_alive()]
        for known in found:
            signal_process(known.pid, known.stop_signal)
        wait_until(lambda: not any(known.is_alive() for known in found), timeout_s=PATIENCE_S)
        for known in found:
            if known.is_alive():
                signal_process(known.pid, signal.SIGKILL)
        wait_until(lambda: not any(known.is_alive() for known in found), timeout_s=PATIENCE_S)
        return len({known.pid for known in found})

    def _save(self) -> None:
        draft = self._path.with_suffix(".draft")
        draft.write_text(
            json.dumps(
                {
                    name: [known.pid, known.started, known.stop_signal.name]
                    for name, known in self._known.items()
                }
            )
        )
        draft.replace(self._path)

    def _recorded(self) -> list[Known]:
        if not self._path.exists():
            return []
        return [
            Known(pid, started, signal.Signals[stop_signal])
            for pid, started, stop_signal in json.loads(self._path.read_text()).values()
            if started
        ]

    def _marked(self) -> list[Known]:
        """Return our processes by their environment (Linux only)."""
        mark = f"{STATE_VARIABLE}={self._state}".encode()
        marked = []
        for folder in PROC.glob("[0-9]*"):
            pid = int(folder.name)
            if pid in {os.getpid(), os.getppid()}:
                continue
            try:
                variables = (folder / "environ").read_bytes().split(b"\0")
            except OSError:  # gone meanwhile, or somebody else's
                continue
            started = start_time(pid)
            if mark in variables and started:
                marked.append(Known(pid, started))
        return marked


def start_time(pid: int) -> str | None:
    """Return when a process was started, in the kernel's own unit; None when it is gone."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    values = text.rpartition(")")[2].split()
    return None if values[STATE_FIELD] == "Z" else values[START_FIELD]
