"""The virtual environment: made when it is missing, filled from a lock with hashes.

Standard library only; runs under the Python that the person has.
"""

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from deploy.local.errors import LauncherError
from deploy.local.locks import exclusive_lock

PROJECT = Path(__file__).resolve().parents[2]
VENV = PROJECT / ".venv"
STAMPS = VENV / "tollgate-locks.json"
# Installing the key installs the values' lock too.
CONTAINS = {"test": ("test", "local"), "local": ("local",)}


def enter_virtualenv(lock: str) -> None:
    """Continue in the project's virtual environment; returns when we are in it already.

    Args:
        lock: which requirements it must hold, `local` or `test`.

    Raises: LauncherError when it cannot be made or filled.
    """
    if Path(sys.prefix).resolve() != VENV.resolve():
        _with_virtualenv(lock)
        python = str(VENV / "bin" / "python")
        os.execv(python, [python, "-m", "deploy.local", *sys.argv[1:]])  # noqa: S606 -- ourselves
    elif not _is_installed(lock):
        _install(lock)


def _with_virtualenv(lock: str) -> None:
    with exclusive_lock(PROJECT / ".venv.lock"):
        if not _python_works():
            _say(f"making the virtual environment {VENV.name}")
            shutil.rmtree(VENV, ignore_errors=True)
            _make_virtualenv()
        if not _is_installed(lock):
            _install(lock)


def _python_works() -> bool:
    """Tell whether the virtual environment has a Python that runs (its base may be gone)."""
    python = VENV / "bin" / "python"
    if not python.exists():
        return False
    return subprocess.run([str(python), "-c", "pass"], check=False).returncode == 0


def _make_virtualenv() -> None:
    options = [] if importlib.util.find_spec("ensurepip") else ["--without-pip"]
    result = subprocess.run(
        [sys.executable, "-m", "venv", *options, str(VENV)],
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise LauncherError(
            f"python -m venv failed: {(result.stderr or result.stdout).strip()} "
            "(Debian and Ubuntu: apt install python3-venv)"
        )


def _install(lock: str) -> None:
    path = PROJECT / "requirements" / f"{lock}.txt"
    _say(f"installing {path.relative_to(PROJECT)} (locked, with hashes)")
    arguments = ["install", "--quiet", "--require-hashes", "--requirement", str(path)]
    for installer in _installers():
        if subprocess.run([*installer, *arguments], check=False).returncode == 0:
            _remember(lock)
            return
    raise LauncherError(
        f"{path.relative_to(PROJECT)} could not be installed; the installer's words are above."
    )


def _installers() -> list[list[str]]:
    """Return ways to install into the virtual environment, the preferred one first."""
    python = str(VENV / "bin" / "python")
    installers = []
    uv = shutil.which("uv")
    if uv:
        # Fast; but it does not read pip's configuration, so pip has the second try.
        installers.append([uv, "pip", "--python", python])
    if (VENV / "bin" / "pip").exists():
        installers.append([python, "-m", "pip", "--disable-pip-version-check"])
    elif importlib.util.find_spec("pip"):
        installers.append([sys.executable, "-m", "pip", "--python", python])
    if not installers:
        raise LauncherError(
            "This Python brings no pip. Debian and Ubuntu: apt install python3-venv; "
            "or install uv from https://docs.astral.sh/uv/."
        )
    return installers


def _is_installed(lock: str) -> bool:
    return bool(_read_stamps().get(lock) == _stamp(lock))


def _remember(lock: str) -> None:
    stamps = _read_stamps()
    stamps.update({name: _stamp(name) for name in CONTAINS[lock]})
    STAMPS.write_text(json.dumps(stamps, indent=2) + "\n")


def _read_stamps() -> dict[str, str]:
    if not STAMPS.exists():
        return {}
    stamps: dict[str, str] = json.loads(STAMPS.read_text())
    return stamps


def _stamp(lock: str) -> str:
    content = (PROJECT / "requirements" / f"{lock}.txt").read_bytes()
    return hashlib.sha256(content).hexdigest()


def _say(line: str) -> None:
    print(f"tollgate: {line}", flush=True)
