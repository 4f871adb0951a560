"""Children that never outlive us.

Every child leads its own session, so that its whole group can be signalled, and asks the kernel
(Linux) to signal it when the thread that started it ends, so that `kill -9` of the launcher
leaves nothing behind.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from deploy.local.identity import ServiceUser

PR_SET_PDEATHSIG: Final = 1
POLL_S: Final = 0.02
PRIVATE: Final = 0o077
MAX_LOG_BYTES: Final = 20 * 1024 * 1024


@dataclass(frozen=True)
class Command:
    """What to execute and how to end it."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    user: ServiceUser | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    # Programs that need longer than this after stop_signal are killed.
    stop_timeout_s: float = field(default=10.0)


def start(command: Command, log_path: Path) -> subprocess.Popen[bytes]:
    """Start a child whose output is appended to `log_path`.

    Call it from a thread that lives as long as the child may: the kernel watches that thread,
    not the process.
    """
    user = command.user
    _roll(log_path)
    with log_path.open("ab") as log:
        return subprocess.Popen(
            list(command.argv),
            cwd=command.folder,
            env=dict(command.environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # Mail, journals and logs hold what only their owner may read.
            umask=PRIVATE,
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=[] if user else None,
            # Runs after the change of user, which would clear the death signal.
            preexec_fn=_die_with_parent(command.stop_signal),  # noqa: PLW1509 -- only calls prctl
        )


def _roll(log_path: Path) -> None:
    """Keep one earlier log beside the present one."""
    if log_path.exists() and log_path.stat().st_size > MAX_LOG_BYTES:
        log_path.replace(log_path.with_suffix(".log.1"))


def follow_parent(death_signal: signal.Signals) -> None:
    """Ask the kernel to send us `death_signal` when our parent ends."""
    _die_with_parent(death_signal)()


def _die_with_parent(death_signal: signal.Signals) -> Callable[[], None]:
    if not sys.platform.startswith("linux"):
        return lambda: None
    # Loaded before the fork: the child may not allocate much between fork and exec.
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    return lambda: prctl(PR_SET_PDEATHSIG, int(death_signal))


def stop(child: subprocess.Popen[bytes], command: Command) -> None:
    """End a child and its whole group: first politely, then hard."""
    if child.poll() is None:
        signal_process(child.pid, command.stop_signal)
        try:
            child.wait(timeout=command.stop_timeout_s)
        except subprocess.TimeoutExpired:
            signal_group(child.pid, signal.SIGKILL)
            child.wait()
    signal_group(child.pid, signal.SIGKILL)


def signal_process(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process that may be gone already."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def signal_group(group: int, number: signal.Signals) -> None:
    """Send a signal to all members of a process group that may be gone already."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return


def wait_until(condition: Callable[[], bool], *, timeout_s: float) -> bool:
    """Poll `condition` until it holds or `timeout_s` seconds have passed; return its last value."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def last_lines(log_path: Path, count: int = 15) -> str:
    """Return the end of a log, for a message about the process that wrote it."""
    if not log_path.exists():
        return ""
    size = log_path.stat().st_size
    with log_path.open("rb") as log:
        log.seek(max(0, size - 200 * count))
        lines = log.read().decode("utf-8", "replace").splitlines()
    return "\n".join(lines[-count:])
