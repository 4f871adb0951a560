import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.errors import NotReadyError
from deploy.local.keeper import Keeper
from deploy.local.process import MAX_LOG_BYTES, Command, wait_until
from deploy.local.services import Job, Service, Stage
from deploy.local.state import PROJECT
from tests.deploy.programs import PARENT, SLEEPER, STUBBORN, end, is_running, noted_pids, program


def job(name: str, source: str, folder: Path) -> Job:
    command = Command([sys.executable, "-c", source], {"PATH": os.defpath}, folder)
    return Job(name, command)


def test_killed_process_is_started_again_within_a_second(tmp_path: Path) -> None:
    with Keeper([[program("sleeper", SLEEPER, tmp_path)]], tmp_path) as keeper:
        first = keeper.pid("sleeper")
        keeper.kill("sleeper")
        keeper.wait_ready("sleeper", timeout_s=1.0)
        assert keeper.pid("sleeper") not in {first, None}
        assert keeper.restarts("sleeper") == 1


def test_children_of_a_killed_process_die_before_its_restart(tmp_path: Path) -> None:
    with Keeper([[program("parent", PARENT, tmp_path)]], tmp_path) as keeper:
        assert wait_until(lambda: bool(noted_pids(tmp_path, "parent")), timeout_s=10)
        (child,) = noted_pids(tmp_path, "parent")
        keeper.kill("parent")
        assert wait_until(lambda: len(noted_pids(tmp_path, "parent")) == 2, timeout_s=5)
        assert not is_running(child)


def test_stop_leaves_neither_processes_nor_their_children(tmp_path: Path) -> None:
    keeper = Keeper(
        [[program("sleeper", SLEEPER, tmp_path)], [program("parent", PARENT, tmp_path)]], tmp_path
    )
    keeper.start()
    assert wait_until(lambda: bool(noted_pids(tmp_path, "sleeper")), timeout_s=10)
    assert wait_until(lambda: bool(noted_pids(tmp_path, "parent")), timeout_s=10)
    pids = [*noted_pids(tmp_path, "sleeper"), *noted_pids(tmp_path, "parent")]
    keeper.stop()
    assert len(pids) == 2
    assert not any(is_running(pid) for pid in pids)


def test_stop_kills_what_ignores_the_polite_signal(tmp_path: Path) -> None:
    keeper = Keeper([[program("stubborn", STUBBORN, tmp_path, stop_timeout_s=0.5)]], tmp_path)
    keeper.start()
    assert wait_until(lambda: bool(noted_pids(tmp_path, "stubborn")), timeout_s=10)
    (pid,) = noted_pids(tmp_path, "stubborn")
    keeper.stop()
    assert not is_running(pid)


def test_process_that_keeps_dying_is_started_ever_more_slowly(tmp_path: Path) -> None:
    lines: list[str] = []
    dying = SLEEPER.replace("time.sleep(600)", "time.sleep(0.2); sys.exit('no more')")
    with Keeper([[program("dying", dying, tmp_path)]], tmp_path, lines.append):
        assert wait_until(lambda: len(lines) >= 4, timeout_s=10)
    assert lines[0].startswith("dying is ready")
    assert lines[1] == "dying ended (status 1); restarting"
    assert "restarting in 0.25 s" in lines[2]
    assert "restarting in 0.5 s" in lines[3]
    assert "no more" in lines[3]


def test_process_that_dies_at_its_start_is_reported_with_its_last_words(tmp_path: Path) -> None:
    command = Command(
        [sys.executable, "-c", "import sys; sys.exit('SECRET_KEY is not set.')"],
        {"PATH": os.defpath},
        tmp_path,
    )
    keeper = Keeper([[Service("web", command, probe=lambda: False)]], tmp_path)
    with pytest.raises(NotReadyError) as failure:
        keeper.start()
    assert str(failure.value).startswith("web ended at once (status 1).")
    assert str(failure.value).endswith("SECRET_KEY is not set.")


def test_failed_job_stops_the_start_and_what_had_started(tmp_path: Path) -> None:
    stages: list[Stage] = [
        [program("sleeper", SLEEPER, tmp_path)],
        [job("migrate", "import sys; sys.exit('database is away')", tmp_path)],
        [program("never", SLEEPER, tmp_path)],
    ]
    with pytest.raises(NotReadyError, match="migrate failed"):
        Keeper(stages, tmp_path).start()
    (pid,) = noted_pids(tmp_path, "sleeper")
    assert not is_running(pid)
    assert noted_pids(tmp_path, "never") == []


LAUNCHER = """
import sys, time
from pathlib import Path
from deploy.local.keeper import Keeper
from tests.deploy.programs import PARENT, SLEEPER, STUBBORN, program
folder = Path(sys.argv[1])
keeper = Keeper(
    [[program(name, source, folder) for name, source in
      (("sleeper", SLEEPER), ("parent", PARENT), ("stubborn", STUBBORN))]],
    folder,
)
keeper.start()
(folder / "started").touch()
time.sleep(600)
"""


@pytest.mark.slow
def test_next_start_ends_what_a_killed_launcher_left_behind(tmp_path: Path) -> None:
    launcher = subprocess.Popen([sys.executable, "-c", LAUNCHER, str(tmp_path)], cwd=PROJECT)
    assert wait_until((tmp_path / "started").exists, timeout_s=20)
    pids = {name: noted_pids(tmp_path, name)[0] for name in ("sleeper", "parent", "stubborn")}
    launcher.kill()
    launcher.wait()
    try:
        # The kernel tells the direct children; one of them does not listen.
        assert wait_until(lambda: not is_running(pids["sleeper"]), timeout_s=5)
        assert is_running(pids["stubborn"])
        Keeper([], tmp_path).end_leftovers()
        assert not any(is_running(pid) for pid in pids.values())
    finally:
        for pid in pids.values():
            end(pid)


def test_leftovers_spares_a_process_that_got_a_recorded_id(tmp_path: Path) -> None:
    innocent = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    record = tmp_path / "processes.json"
    record.write_text(f'{{"web": [{innocent.pid}, "12345", "SIGTERM"]}}')
    try:
        Keeper([], tmp_path).end_leftovers()
        assert innocent.poll() is None
    finally:
        innocent.kill()
        innocent.wait()


def test_signal_of_a_dead_process_is_named_in_the_report(tmp_path: Path) -> None:
    lines: list[str] = []
    with Keeper([[program("sleeper", SLEEPER, tmp_path)]], tmp_path, lines.append) as keeper:
        keeper.kill("sleeper", signal.SIGUSR1)
        assert wait_until(lambda: len(lines) == 2, timeout_s=5)
    assert lines[1] == "sleeper ended (killed by SIGUSR1); restarting"


def test_files_of_a_process_are_private_and_a_big_log_is_rolled(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "sleeper.log"
    log.parent.mkdir()
    with log.open("wb") as old:
        old.truncate(MAX_LOG_BYTES + 1)
    with Keeper([[program("sleeper", SLEEPER, tmp_path)]], tmp_path):
        assert log.stat().st_size == 0
        assert log.with_suffix(".log.1").stat().st_size == MAX_LOG_BYTES + 1
        assert (tmp_path / "sleeper.pids").stat().st_mode & 0o077 == 0
