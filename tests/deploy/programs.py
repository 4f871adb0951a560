"""Small programs for the supervisor's tests, and ways to look at processes."""

import os
import signal
import sys
from pathlib import Path
from typing import Final

from deploy.local.leftovers import start_time
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
