"""The virtual environment, made in a small copy of the project whose locks are nearly empty."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.state import PROJECT

pytestmark = pytest.mark.slow

# The Python that our virtual environment was made from: it has no packages.
BASE_PYTHON = str(Path(sys.base_prefix) / "bin" / "python3")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The launcher and two empty locks, in a folder that only its owner can enter."""
    tmp_path.chmod(0o700)
    shutil.copytree(PROJECT / "deploy" / "local", tmp_path / "deploy" / "local")
    (tmp_path / "requirements").mkdir()
    for name in ("local", "test"):
        (tmp_path / "requirements" / f"{name}.txt").write_text("# nothing\n")
    return tmp_path


def launch(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BASE_PYTHON, "-m", "deploy.local", *arguments],
        cwd=project,
        env={**os.environ, "HOME": str(project)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_virtual_environment_is_made_once_and_filled_again_when_the_lock_changes(
    project: Path,
) -> None:
    first = launch(project, "prepare")
    assert first.returncode == 0, first.stderr
    assert first.stdout.splitlines() == [
        "tollgate: making the virtual environment .venv",
        "tollgate: installing requirements/test.txt (locked, with hashes)",
    ]
    assert launch(project, "prepare").stdout == ""
    (project / "requirements" / "test.txt").write_text("# nothing, again\n")
    third = launch(project, "prepare")
    assert third.stdout.splitlines() == [
        "tollgate: installing requirements/test.txt (locked, with hashes)"
    ]


def test_lock_without_hashes_is_refused(project: Path) -> None:
    (project / "requirements" / "test.txt").write_text("django==5.2\n")
    result = launch(project, "prepare")
    assert result.returncode == 1
    assert result.stderr.endswith(
        "tollgate: requirements/test.txt could not be installed; the installer's words are above.\n"
    )


def test_virtual_environment_whose_python_is_gone_is_made_anew(project: Path) -> None:
    (project / ".venv" / "bin").mkdir(parents=True)
    (project / ".venv" / "bin" / "python").symlink_to("/nowhere/python3")
    result = launch(project, "prepare")
    assert result.returncode == 0, result.stderr
    assert "making the virtual environment" in result.stdout


def test_unknown_command_is_answered_with_the_known_ones(project: Path) -> None:
    result = launch(project, "fly")
    assert result.returncode == 1
    assert result.stderr.startswith("usage: python -m deploy.local run|test|check")


def test_clean_removes_state_and_caches_and_keeps_the_virtual_environment(project: Path) -> None:
    for name in (".tollgate/logs", ".mypy_cache", ".venv"):
        (project / name).mkdir(parents=True)
    result = launch(project, "clean")
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"removed {project / '.tollgate'}\n"
    left = {path.name for path in project.iterdir()}
    assert left == {"deploy", "requirements", ".venv"}
