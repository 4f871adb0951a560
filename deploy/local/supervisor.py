"""Starts all processes in order, keeps them running, and ends them all.

with Stack(state, ports=Ports.free()) as stack:
stack.kill("worker", signal.SIGKILL)
stack.wait_ready("worker")
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Final, Self

from deploy.local.binaries import find_binaries
from deploy.local.environment import Folders, build_environment
from deploy.local.errors import AlreadyRunningError, NotReadyError
from deploy.local.identity import choose_service_user
from deploy.local.leftovers import Leftovers
from deploy.local.locks import try_lock
from deploy.local.process import last_lines
from deploy.local.runner import Runner
from deploy.local.services import (
    Job,
    Machine,
    Service,
    Stage,
    declare_stages,
    server_urls,
)
from deploy.local.settings import Ports

TEND_INTERVAL_S: Final = 0.1
RESTART_TIMEOUT_S: Final = 60.0
# Ports of embedded servers that an external URL replaces.
REPLACED_BY: Final = {
    "postgres": "DATABASE_URL",
    "valkey": "REDIS_URL",
    "stripe": "STRIPE_API_BASE",
}


class Stack:
    """All processes of Tollgate in one state folder.

    Start and stop it from a thread that lives as long as the stack (see process.start).
    """

    def __init__(
        self,
        state: Path,
        *,
        ports: Ports,
        given: Mapping[str, str] = os.environ,
        report: Callable[[str], None] = lambda _line: None,
        without: frozenset[str] = frozenset(),
    ) -> None:
        """Prepare a stack; nothing runs yet.

        Args:
            state: an existing folder that the servers' user can enter.
            ports: where the processes listen.
            given: settings that replace ours, such as DATABASE_URL.
            report: receives one line per thing that happens.
            without: names of processes and jobs that are left out.
        """
        user = choose_service_user()
        self.folders = Folders(state)
        self.ports = ports
        self._given = given
        self._report = report
        self._without = without
        machine = Machine(self.folders, ports, find_binaries(state / "servers", user), user)
        self.environment = build_environment(
            self.folders, ports, server_urls=server_urls(machine, given), given=given
        )
        self._stages: list[Stage] = declare_stages(machine, self.environment, given)
        self._leftovers = Leftovers(state)
        self._runners: dict[str, Runner] = {}
        self._tended: list[Runner] = []
        self._lock: IO[str] | None = None
        self._stopping = threading.Event()
        self._tender = threading.Thread(target=self._tend, name="supervisor", daemon=True)

    def __enter__(self) -> Self:
        """Start everything."""
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """End everything."""
        self.stop()

    def start(self) -> None:
        """Start all processes, stage by stage; on failure everything is ended again.

        Raises: AlreadyRunningError, PortBusyError, NotReadyError.
        """
        self._lock = try_lock(self.folders.state / "launcher.lock")
        if self._lock is None:
            raise AlreadyRunningError(
                f"Tollgate runs already from {self.folders.state}. Stop it first (Ctrl-C there)."
            )
        try:
            self._start_stages()
        except BaseException:
            self.stop()
            raise

    def _start_stages(self) -> None:
        count = self._leftovers.end_all()
        if count:
            self._report(f"ended {count} processes that an earlier run left behind")
        replaced = {name for name, variable in REPLACED_BY.items() if variable in self._given}
        self.ports.require_free(
            [name for name in vars(self.ports) if name not in replaced | self._without]
        )
        for folder in (self.folders.logs, self.folders.gateway, self.folders.journal):
            folder.mkdir(exist_ok=True)
        self._tender.start()
        for stage in self._stages:
            self._start_stage([step for step in stage if step.name not in self._without])

    def _start_stage(self, stage: Stage) -> None:
        began = time.monotonic()
        runners = []
        for step in stage:
            if isinstance(step, Service):
                runner = Runner(step, self.log_path(step.name), self._leftovers)
                self._runners[step.name] = runner
                runner.start()
                runners.append(runner)
        for step in stage:
            if isinstance(step, Job):
                self._run_job(step)
        for runner in runners:
            runner.wait_started()
            self._tended.append(runner)
            self._report(f"{runner.service.name} is ready ({time.monotonic() - began:.1f} s)")

    def _run_job(self, job: Job) -> None:
        began = time.monotonic()
        log_path = self.log_path(job.name.replace(" ", "-"))
        with log_path.open("ab") as log:
            result = subprocess.run(
                job.command.argv,
                cwd=job.command.folder,
                env=dict(job.command.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if result.returncode != 0:
            raise NotReadyError(
                f"{job.name} failed (status {result.returncode}). {log_path} ends with:\n"
                f"{last_lines(log_path)}"
            )
        self._report(f"{job.name} done ({time.monotonic() - began:.1f} s)")

    def stop(self) -> None:
        """End all processes, the last started first. May be called twice."""
        self._stopping.set()
        if self._tender.is_alive():
            self._tender.join()
        # What depends on servers ends while they still answer.
        for runner in reversed(self._runners.values()):
            if runner.service.name not in REPLACED_BY:
                runner.request_stop()
        while self._runners:
            _name, runner = self._runners.popitem()
            runner.stop()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def names(self) -> list[str]:
        """Return the names of the processes, in the order of their start."""
        return list(self._runners)

    def pid(self, name: str) -> int | None:
        """Return a process's id, or None while it does not run."""
        return self._runners[name].pid

    def restarts(self, name: str) -> int:
        """Return how often a process was started again."""
        return self._runners[name].restarts

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to a process; the supervisor starts it again when it dies."""
        self._runners[name].kill(number)

    def wait_ready(self, name: str, timeout_s: float = RESTART_TIMEOUT_S) -> None:
        """Wait until a process is ready, also when it is being restarted.

        Raises: NotReadyError.
        """
        self._runners[name].wait_ready(timeout_s)

    def log_path(self, name: str) -> Path:
        """Return where a process's output is kept."""
        return self.folders.logs / f"{name}.log"

    def _tend(self) -> None:
        while not self._stopping.wait(TEND_INTERVAL_S):
            for runner in list(self._tended):
                line = runner.tend()
                if line:
                    self._report(line)
