"""`python -m deploy.local run`, from outside: what a person sees and what is left when it ends."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

import pytest

from deploy.local.ports import LOOPBACK
from deploy.local.process import wait_until
from deploy.local.settings import Ports, setting_name
from deploy.local.state import PROJECT
from tests.deploy.programs import processes_of, reachable_folder

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("stack"),
]

START_TIMEOUT_S = 150
STOP_TIMEOUT_S = 45


@dataclass
class Launch:
    """How to start the launcher beside others: its own folder and ports."""

    state: Path
    ports: Ports

    @property
    def output(self) -> Path:
        return self.state.with_name("output.txt")

    def environment(self) -> dict[str, str]:
        # The suite's own servers must not replace those of the launcher.
        inherited = {
            name: os.environ[name]
            for name in ("PATH", "HOME", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
            if name in os.environ
        }
        chosen = {
            setting_name(field.name): str(getattr(self.ports, field.name))
            for field in fields(self.ports)
        }
        return {
            **inherited,
            **chosen,
            "TOLLGATE_STATE": str(self.state),
            "TOLLGATE_DEMO": "off",
        }

    def start(self) -> subprocess.Popen[bytes]:
        with self.output.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "deploy.local", "run"],
                cwd=PROJECT,
                env=self.environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """Start and wait until everything is ready; end it whatever happens."""
        before = self.ready_count()
        launcher = self.start()
        try:
            wait_until(
                lambda: self.ready_count() > before or launcher.poll() is not None,
                timeout_s=START_TIMEOUT_S,
            )
            assert launcher.poll() is None, self.output.read_text()
            yield launcher
        finally:
            if launcher.poll() is None:
                launcher.send_signal(signal.SIGTERM)
                launcher.wait(STOP_TIMEOUT_S)

    def ready_count(self) -> int:
        return self.output.read_text().count("everything is ready") if self.output.exists() else 0

    def run_and_fail(self) -> str:
        """Run a launcher that cannot start and return what it prints."""
        result = subprocess.run(
            [sys.executable, "-m", "deploy.local", "run"],
            cwd=PROJECT,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=START_TIMEOUT_S,
        )
        assert result.returncode == 1
        return result.stdout


@pytest.fixture
def launch() -> Iterator[Launch]:
    with reachable_folder() as folder:
        yield Launch(folder / "state", Ports.free())


def test_run_serves_refuses_a_second_start_and_survives_kill_and_terminate(
    launch: Launch,
) -> None:
    with launch.running() as launcher:
        with urllib.request.urlopen(
            f"http://{LOOPBACK}:{launch.ports.web}/accounts/login/"
        ) as page:
            assert page.status == 200
        assert launch.run_and_fail() == (
            f"tollgate: Tollgate runs already from {launch.state}. Stop it first (Ctrl-C there).\n"
        )
        launcher.kill()
        launcher.wait()
    with launch.running() as launcher:
        assert processes_of(launch.state)
        launcher.send_signal(signal.SIGTERM)
        assert launcher.wait(STOP_TIMEOUT_S) == 0
    assert wait_until(lambda: not processes_of(launch.state), timeout_s=5)
    assert launch.output.read_text().endswith("tollgate: stopping\ntollgate: stopped\n")


def test_busy_port_is_one_line(launch: Launch) -> None:
    with socket.create_server((LOOPBACK, launch.ports.gateway)):
        assert launch.run_and_fail() == (
            f"tollgate: Port {launch.ports.gateway} (gateway) is in use. Stop what uses it, or "
            "choose another: TOLLGATE_GATEWAY_PORT=<port> make run\n"
        )
    assert not processes_of(launch.state)


def test_unreachable_database_stops_the_start_and_says_what_to_do(launch: Launch) -> None:
    class External(Launch):
        def environment(self) -> dict[str, str]:
            unreachable = f"postgres://tollgate:wrong@{LOOPBACK}:{self.ports.postgres}/tollgate"
            return {**super().environment(), "DATABASE_URL": unreachable}

    output = External(launch.state, launch.ports).run_and_fail()
    assert output.startswith("tollgate: DATABASE_URL cannot be used: connection failed")
    assert "Connection refused" in output
    assert output.endswith("unset it to use the PostgreSQL that comes with Tollgate.\n")
    assert output.count("\n") == 1
    assert not processes_of(launch.state)
