"""nginx for the tests of its profile and for the benchmarks: PyPI does not carry it, so it comes out of Debian's package."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from deploy.local.errors import LauncherError

PACKAGE: Final = "nginx"
# Not on every PATH, and where Debian puts it.
SYSTEM_FOLDERS: Final = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
# Beside the other servers' programs, which are in the virtual environment too.
UNPACKED: Final = Path(sys.prefix) / "nginx" / "nginx"


def find_nginx() -> str | None:
    """Return the path of an nginx that runs: `NGINX`, an installed one, or the one that was unpacked."""
    candidates = (
        os.environ.get("NGINX"),
        shutil.which("nginx", path=SYSTEM_FOLDERS),
        str(UNPACKED),
    )
    return next((path for path in candidates if path and _runs(path)), None)


def require_nginx() -> str:
    """Return the path of nginx; unpack Debian's package where there is none.

    The package is not installed: that would start a server on port 80.

    Raises: LauncherError with how to get it.
    """
    found = find_nginx()
    if found is None and shutil.which("apt-get") and shutil.which("dpkg-deb"):
        print("tollgate: fetching nginx for the tests of its profile", flush=True)
        _unpack()
        found = find_nginx()
    if found is None:
        raise LauncherError(
            "The tests of the nginx profile need nginx 1.18 or newer. Debian and Ubuntu: sudo apt install nginx-light; "
            "elsewhere put nginx on the PATH, or its path into NGINX."
        )
    return found


def _unpack() -> None:
    """Take the program out of the package of this system's release."""
    with tempfile.TemporaryDirectory(prefix="tollgate-nginx-") as name:
        folder = Path(name)
        if os.geteuid() == 0:
            subprocess.run(["apt-get", "update", "--quiet"], check=False)
        subprocess.run(["apt-get", "download", "--quiet", PACKAGE], cwd=folder, check=False)
        for package in folder.glob("*.deb"):
            subprocess.run(["dpkg-deb", "--extract", str(package), str(folder)], check=False)
        program = folder / "usr" / "sbin" / "nginx"
        if program.is_file():
            UNPACKED.parent.mkdir(exist_ok=True)
            draft = UNPACKED.with_suffix(".draft")
            shutil.copy2(program, draft)
            draft.replace(UNPACKED)


def _runs(path: str) -> bool:
    """Tell whether it starts: an unpacked program may lack a library here."""
    try:
        return subprocess.run([path, "-v"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False
