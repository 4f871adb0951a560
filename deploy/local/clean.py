"""`make clean`: removes the state folder and everything that can be made again."""

import shutil
from typing import Final

from deploy.local.errors import AlreadyRunningError
from deploy.local.locks import try_lock
from deploy.local.state import LINK_NAME, PROJECT, remove_state

# Caches of tools; the virtual environment stays, it costs minutes.
CACHES: Final = (
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    ".import_linter_cache",
    ".hypothesis",
    "htmlcov",
)


def clean() -> None:
    """Remove state and caches.

    Raises: AlreadyRunningError while a launcher uses the state.
    """
    state = PROJECT / LINK_NAME
    if state.is_dir():
        lock = try_lock(state / "launcher.lock")
        if lock is None:
            raise AlreadyRunningError("Tollgate is running; stop it first (Ctrl-C there).")
        lock.close()
    for folder in remove_state():
        print(f"removed {folder}")
    for name in CACHES:
        shutil.rmtree(PROJECT / name, ignore_errors=True)
    for data in PROJECT.glob(".coverage*"):
        data.unlink()
