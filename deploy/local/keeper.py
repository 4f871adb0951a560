"""Starts processes stage by stage, keeps them running, and ends them all."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, Self

from deploy.local.errors import NotReadyError
from deploy.local.leftovers import Leftovers
from deploy.local.process import PRIVATE, last_lines
from deploy.local.runner import Runner
from deploy.local.services import Job, Service, Stage

TEND_INTERVAL_S: Final = 0.1
RESTART_TIMEOUT_S: Final = 60.0


class Keeper:
    """Keeps the processes of some stages running.

    Start and stop it from a thread that lives as long as they do (see process.start).
    """

    def __init__(
        self, stages: list[Stage], state: Path, report: Callable[[str], None] = lambda _line: None
    ) -> None:
        """Prepare; nothing runs yet.

        Args:
            stages: processes and jobs, in the order of their start.
            state: an existing folder for logs and the record of what was started.
            report: receives one line per thing that happens.
        """
        self.logs = state / "logs"
        self._stages = stages
        self._report = report
        self._leftovers = Leftovers(state)
        self._runners: dict[str, Runner] = {}
        self._tended: list[Runner] = []
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

        Raises: NotReadyError.
        """
        try:
            self.logs.mkdir(mode=0o700, exist_ok=True)
            self._tender.start()
            for stage in self._stages:
                self._start_stage(stage)
        except BaseException:
            self.stop()
            raise

    def end_leftovers(self) -> None:
        """End what an earlier launcher, killed, has left running."""
        count = self._leftovers.end_all()
        if count:
            self._report(f"ended {count} processes that an earlier run left behind")

    def _start_stage(self, stage: Stage) -> None:
        began = time.monotonic()
        runners = []
        for step in stage:
            if isinstance(step, Service):
                runner = Runner(step, self.log_path(step.name), self._leftovers)
                self._runners[step.name] = runner
                runner.start()
                runners.append(runner)
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            # list() raises what a job raised.
            list(pool.map(self._run_job, [step for step in stage if isinstance(step, Job)]))
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
                umask=PRIVATE,
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
        for stage in reversed(self._stages):
            # Those of one stage end together; what they depend on still answers.
            runners = [self._runners.pop(step.name) for step in stage if step.name in self._runners]
            for runner in runners:
                runner.request_stop()
            for runner in runners:
                runner.stop()

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
        return self.logs / f"{name}.log"

    def _tend(self) -> None:
        while not self._stopping.wait(TEND_INTERVAL_S):
            for runner in list(self._tended):
                line = runner.tend()
                if line:
                    self._report(line)
