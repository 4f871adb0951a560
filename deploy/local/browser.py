"""Chromium for the browser tests: the one thing that PyPI does not carry."""

import os
import shutil
import subprocess
from typing import Final

from deploy.local.errors import LauncherError

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")


def find_chromium() -> str | None:
    """Return the path of an installed Chromium."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


def require_chromium() -> str:
    """Return the path of Chromium, installing Debian's package where root and apt-get allow.

    Raises: LauncherError with how to install it.
    """
    found = find_chromium()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        print("tollgate: installing Chromium for the browser tests", flush=True)
        install = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", "chromium"]
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for argv in (["apt-get", "update", "--quiet"], install):
            subprocess.run(argv, env=environment, check=False)
        found = find_chromium()
    if found is None:
        raise LauncherError(
            "The browser tests need Chromium. Debian and Ubuntu: sudo apt install chromium; "
            "elsewhere put chromium or google-chrome on the PATH."
        )
    return found
