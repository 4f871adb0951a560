"""Secrets in the repository: what looks like one and was not reviewed.

The baseline holds hashes of the findings that a person has looked at. After a review:
`.venv/bin/detect-secrets scan --baseline .secrets.baseline`.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from deploy.local.state import PROJECT

BASELINE: Final = ".secrets.baseline"
ADVICE: Final = "Remove it, or review it: detect-secrets scan --baseline .secrets.baseline"


def scan_secrets(project: Path = PROJECT) -> str | None:
    """Return what looks like a secret in the tracked files and is not in the baseline."""
    with tempfile.TemporaryDirectory() as folder:
        # The scanner writes its findings into the baseline that it is given: a copy.
        found = Path(folder) / "found"
        shutil.copy(project / BASELINE, found)
        subprocess.run(
            [str(Path(sys.executable).parent / "detect-secrets"), "scan", "--baseline", str(found)],
            cwd=project,
            check=True,
        )
        reviewed = set(_findings(project / BASELINE))
        news = [line for finding, line in _findings(found).items() if finding not in reviewed]
    return "\n".join([*news, ADVICE]) if news else None


def _findings(baseline: Path) -> dict[tuple[str, str], str]:
    """Return findings by file and hash; a secret that moves within its file stays reviewed."""
    results: dict[str, list[dict[str, str]]] = json.loads(baseline.read_text())["results"]
    return {
        (name, finding["hashed_secret"]): f"{name}:{finding['line_number']}: {finding['type']}"
        for name, findings in results.items()
        for finding in findings
    }
