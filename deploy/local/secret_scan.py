"""Secrets in the repository: everything that git knows is compared with the reviewed baseline."""

import subprocess
import sys
from pathlib import Path
from typing import Final

from deploy.local.state import PROJECT

BASELINE: Final = ".secrets.baseline"


def scan_secrets() -> str | None:
    """Return what looks like a secret and is not in the baseline."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    files = [name for name in listed.stdout.split("\0") if name and (PROJECT / name).is_file()]
    result = subprocess.run(
        [str(Path(sys.executable).parent / "detect-secrets-hook"), "--baseline", BASELINE, *files],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    return None if result.returncode == 0 else f"{result.stdout}{result.stderr}".strip()
