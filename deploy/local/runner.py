"""One supervised process: started, probed, restarted when it dies, ended with its whole group."""

import signal
import subprocess
import time
from pathlib import Path
from typing import Final

from deploy.local.errors import NotReadyError
from deploy.local.leftovers import Leftovers
from deploy.local.process import (
    last_lines,
    signal_group,
    signal_process,
    start,
    stop,
    wait_until,
)
from deploy.local.services import Service

# The first restart is immediate; each further one waits twice as long.
FIRST_DELAY_S: Final = 0.25
LONGEST_DELAY_S: Final = 15.0
# A process that lived this long has earned an immediate restart again.
STABLE_AFTER_S: Final = 30.0


class Runner:
    """Keeps one service running. Its owner calls `tend` regularly, from one thread at a time."""

    def __init__(self, service: Service, log_path: Path, leftovers: Leftovers) -> None:
        """Remember what to run; nothing runs yet."""
        self.service = service
        self.log_path = log_path
        self.restarts = 0
        self._leftovers = leftovers
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._ready = False
        self._delay_s = 0.0
        self._restart_at: float | None = None

    @property
    def pid(self) -> int | None:
        """The process id, or None when it is not running."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def start(self) -> None:
        """Start the process."""
        self.service.prepare()
        self._ready = False
        self._restart_at = None
        self._started_at = time.monotonic()
        self._process = start(self.service.command, self.log_path)
        self._leftovers.note(self.service.name, self._process.pid, self.service.command.stop_signal)

    def is_ready(self) -> bool:
        """Tell whether the running process has become ready."""
        if self.pid is None:
            return False
        if not self._ready and self._age_s() >= self.service.settle_s and self._probe():
            self.service.after_ready()
            self._ready = True
        return self._ready

    def wait_started(self) -> None:
        """Wait until the process, just started, is ready.

        Raises: NotReadyError with the end of its log when it died or took too long.
        """
        process = self._process
        wait_until(
            lambda: self.is_ready() or process is None or process.poll() is not None,
            timeout_s=self.service.ready_timeout_s,
        )
        if process is not None and process.poll() is not None:
            raise self._failure(f"ended at once ({describe_status(process.returncode)})")
        if not self._ready:
            raise self._failure(f"was not ready after {self.service.ready_timeout_s:.0f} s")

    def wait_ready(self, timeout_s: float) -> None:
        """Wait until the process is ready, through deaths and restarts.

        Raises: NotReadyError with the end of its log when it takes longer.
        """
        if not wait_until(self.is_ready, timeout_s=timeout_s):
            raise self._failure(f"was not ready after {timeout_s:.0f} s")

    def tend(self) -> str | None:
        """Restart the process if it has died; return a line about what happened, if anything."""
        process = self._process
        if process is None or process.poll() is None:
            return None
        if self._restart_at is None:
            return self._plan_restart(process.returncode, process.pid)
        if time.monotonic() < self._restart_at:
            return None
        self.restarts += 1
        self.start()
        return None

    def kill(self, number: signal.Signals) -> None:
        """Send a signal to the process itself, not to its group; after SIGKILL it is gone."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        signal_process(process.pid, number)
        if number is signal.SIGKILL:
            process.wait()

    def request_stop(self) -> None:
        """Ask the process to end; `stop` waits for it."""
        self.kill(self.service.command.stop_signal)

    def stop(self) -> None:
        """End the process and all of its group."""
        if self._process is not None:
            stop(self._process, self.service.command)
            self._leftovers.forget(self.service.name)
            self._process = None

    def _plan_restart(self, status: int, group: int) -> str:
        # Its own children may still hold its port.
        signal_group(group, signal.SIGKILL)
        if self._age_s() > STABLE_AFTER_S:
            self._delay_s = 0.0
        self._restart_at = time.monotonic() + self._delay_s
        line = f"{self.service.name} ended ({describe_status(status)}); restarting"
        if self._delay_s:
            line += f" in {self._delay_s:g} s; {self.log_path} ends with:\n"
            line += last_lines(self.log_path, 5)
        self._delay_s = min(LONGEST_DELAY_S, self._delay_s * 2 or FIRST_DELAY_S)
        return line

    def _probe(self) -> bool:
        return self.service.probe is None or self.service.probe()

    def _age_s(self) -> float:
        return time.monotonic() - self._started_at

    def _failure(self, what: str) -> NotReadyError:
        end = last_lines(self.log_path)
        return NotReadyError(f"{self.service.name} {what}. {self.log_path} ends with:\n{end}")


def describe_status(status: int) -> str:
    """Say how a process ended."""
    if status < 0:
        return f"killed by {signal.Signals(-status).name}"
    return f"status {status}"
