"""Small programs for the supervisor's tests, and ways to look at processes."""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from deploy.local.leftovers import PROC, start_time
from deploy.local.process import Command
from deploy.local.services import Service

# Writes its process id where the test looks for it, then waits.
SLEEPER: Final = """
import os, sys, time
open(sys.argv[1], "a").write(f"{os.getpid()}\\n")
time.sleep(600)
"""
# Starts a child in its own process group that never ends by itself.
PARENT: Final = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open(sys.argv[1], "a").write(f"{child.pid}\\n")
time.sleep(600)
"""
STUBBORN: Final = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1], "a").write(f"{os.getpid()}\\n")
time.sleep(600)
"""


@contextmanager
def reachable_folder() -> Iterator[Path]:
    """Yield a folder that the servers' user can enter, which pytest's own folders do not allow."""
    folder = Path(tempfile.mkdtemp(prefix="tollgate-deploy-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def program(name: str, source: str, folder: Path, *, stop_timeout_s: float = 5.0) -> Service:
    """Declare a program that writes process ids to `<folder>/<name>.pids`."""
    pids = pid_file(folder, name)
    command = Command(
        argv=[sys.executable, "-c", source, str(pids)],
        environment={"PATH": os.defpath, "TOLLGATE_STATE_DIR": str(folder)},
        folder=folder,
        stop_timeout_s=stop_timeout_s,
    )
    return Service(name, command, probe=pids.exists, ready_timeout_s=20)


def pid_file(folder: Path, name: str) -> Path:
    return folder / f"{name}.pids"


def noted_pids(folder: Path, name: str) -> list[int]:
    """Return the process ids that a program has written, oldest first."""
    path = pid_file(folder, name)
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def is_running(pid: int) -> bool:
    """Tell whether a process runs; one that is dead and not yet collected does not."""
    return start_time(pid) is not None


def end(pid: int) -> None:
    """End a process that a failed test may have left."""
    if is_running(pid):
        os.kill(pid, signal.SIGKILL)


def processes_of(state: Path) -> list[int]:
    """Return the processes that have the state folder in their environment or command line."""
    found = []
    for folder in PROC.glob("[0-9]*"):
        try:
            text = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if str(state).encode() in text and is_running(int(folder.name)):
            found.append(int(folder.name))
    return found
