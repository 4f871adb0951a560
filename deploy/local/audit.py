"""Known vulnerabilities of what the product installs."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

from deploy.local.state import PROJECT

LOCK: Final = "requirements/production.txt"


def audit_dependencies() -> str | None:
    """Ask the vulnerability database about the locked versions; return what it found.

    What could not be asked about (no network, an unknown package) is said loudly and is no failure.
    """
    result = subprocess.run(
        [
            str(Path(sys.executable).parent / "pip-audit"),
            *("--requirement", LOCK, "--require-hashes", "--disable-pip"),
            *("--progress-spinner", "off", "--timeout", "10", "--format", "json"),
        ],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        dependencies = json.loads(result.stdout)["dependencies"]
    except json.JSONDecodeError:
        last_words = (result.stderr.strip().splitlines() or ["pip-audit said nothing"])[-1]
        print(f"NOT CHECKED: the vulnerability database did not answer: {last_words}", flush=True)
        return None
    unchecked = [item["name"] for item in dependencies if "skip_reason" in item]
    if unchecked:
        print(
            f"NOT CHECKED: {len(unchecked)} of {len(dependencies)} packages are unknown to the "
            f"vulnerability database that answers here: {', '.join(unchecked[:5])} …",
            flush=True,
        )
    found = [
        f"{item['name']} {item['version']}: {vulnerability['id']}, "
        f"fixed in {', '.join(vulnerability['fix_versions']) or 'no version yet'}"
        for item in dependencies
        for vulnerability in item.get("vulns", [])
    ]
    return "\n".join(found) or None
