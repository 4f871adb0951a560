"""`make run`: the whole product on this machine, until it is told to stop."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from deploy.local.errors import LauncherError
from deploy.local.identity import choose_service_user
from deploy.local.process import follow_parent
from deploy.local.settings import Ports
from deploy.local.state import PROJECT, open_state_folder
from deploy.local.supervisor import Stack

# `off` starts the product with an empty database.
DEMO_SETTING: Final = "TOLLGATE_DEMO"
# Written by the demo when it has been played to its end; printed again by later runs.
DEMO_SUMMARY: Final = "demo-summary.txt"


class StopRequested(BaseException):
    """Ctrl-C or a polite signal; not an error, so nothing may catch it by accident."""


def run() -> None:
    """Start everything, play the demo once, and stay up.

    Raises: LauncherError with one line that says what to put right.
    """
    if "MAKELEVEL" in os.environ:
        # `make` would leave us behind when it is killed.
        follow_parent(signal.SIGTERM)
    began = time.monotonic()
    state = open_state_folder(choose_service_user())
    with _stop_on_signals():
        stack = Stack(state, ports=Ports.from_environment(), report=_say)
        try:
            stack.start()
            _say(f"everything is ready ({time.monotonic() - began:.1f} s)")
            if os.environ.get(DEMO_SETTING) != "off":
                _play_demo(stack)
            _say(f"{stack.environment['PUBLIC_URL']} is up; Ctrl-C stops it")
            signal.pause()
        except StopRequested:
            _say("stopping")
        finally:
            _ignore_signals()
            stack.stop()
    _say("stopped")


def _play_demo(stack: Stack) -> None:
    """Play the demo if no run has done so; print its summary in any case.

    Raises: LauncherError when the demo fails.
    """
    summary = stack.folders.state / DEMO_SUMMARY
    if summary.exists():
        print(summary.read_text(), flush=True)
        return
    result = subprocess.run(
        [sys.executable, "-m", "deploy.local.demo"],
        cwd=PROJECT,
        env={**stack.environment, "TOLLGATE_DEMO_SUMMARY": str(summary)},
        check=False,
    )
    if result.returncode != 0:
        raise LauncherError(
            f"The demo did not play to its end; the logs are in {stack.folders.logs}."
        )


@contextmanager
def _stop_on_signals() -> Iterator[None]:
    """Turn polite signals into StopRequested, also where a shell has made us ignore Ctrl-C."""

    def request_stop(_number: int, _frame: FrameType | None) -> None:
        raise StopRequested

    before = {
        number: signal.signal(number, request_stop)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def _ignore_signals() -> None:
    """Let the orderly end be orderly: it takes seconds and kills what does not follow."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _say(line: str) -> None:
    print(f"tollgate: {line}", flush=True)
