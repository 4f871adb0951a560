"""The OpenAPI document: written by `make schema`, compared with the code by `make test`."""

import difflib
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from deploy.local.errors import LauncherError
from deploy.local.state import PROJECT
from deploy.local.throwaway import ThrowawayServers

DOCUMENT: Final = PROJECT / "docs" / "api" / "openapi.yaml"
REPORTED_LINES: Final = 40


def write_schema() -> None:
    """Write the document of the present code.

    Raises: LauncherError when the generator is not content with the code.
    """
    with ThrowawayServers() as servers:
        document = _generate({**os.environ, **servers.start()})
    DOCUMENT.parent.mkdir(parents=True, exist_ok=True)
    DOCUMENT.write_text(document, encoding="utf-8")
    print(f"wrote {DOCUMENT.relative_to(PROJECT)}", flush=True)


def check_schema(environment: Mapping[str, str]) -> str | None:
    """Return how the kept document differs from the present code, or None.

    Args:
        environment: of the process that generates; names the servers.
    """
    kept = DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.exists() else ""
    lines = list(
        difflib.unified_diff(
            kept.splitlines(),
            _generate(environment).splitlines(),
            fromfile=str(DOCUMENT.relative_to(PROJECT)),
            tofile="the code",
            lineterm="",
            n=1,
        )
    )
    if not lines:
        return None
    return "\n".join([*lines[:REPORTED_LINES], "Run `make schema` and commit the document."])


def _generate(environment: Mapping[str, str]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "openapi.yaml"
        result = subprocess.run(
            [
                *(sys.executable, "manage.py", "spectacular"),
                *("--validate", "--fail-on-warn", "--file", str(target)),
            ],
            cwd=PROJECT,
            env={**environment, "DJANGO_SETTINGS_MODULE": "marketplace.settings.test"},
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            raise LauncherError(f"The OpenAPI document has faults:\n{result.stderr.strip()}")
        return target.read_text(encoding="utf-8")
