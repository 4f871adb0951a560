"""Known vulnerabilities of what the product installs."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local.state import PROJECT

LOCK: Final = "requirements/production.txt"
NAMED: Final = 5


@dataclass(frozen=True)
class Answer:
    """What the vulnerability database said about the locked versions."""

    asked: int
    found: list[str]
    unchecked: list[str]


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
        answer = read_report(result.stdout)
    except json.JSONDecodeError:
        last_words = (result.stderr.strip().splitlines() or ["pip-audit said nothing"])[-1]
        print(f"NOT CHECKED: the vulnerability database did not answer: {last_words}", flush=True)
        return None
    if answer.unchecked:
        print(
            f"NOT CHECKED: {len(answer.unchecked)} of {answer.asked} packages are unknown to the "
            f"database that answers here: {', '.join(answer.unchecked[:NAMED])} …",
            flush=True,
        )
    return "\n".join(answer.found) or None


def read_report(text: str) -> Answer:
    """Read pip-audit's JSON.

    Raises: json.JSONDecodeError when it is none.
    """
    dependencies = json.loads(text)["dependencies"]
    return Answer(
        asked=len(dependencies),
        found=[
            f"{item['name']} {item['version']}: {vulnerability['id']}, "
            f"fixed in {', '.join(vulnerability['fix_versions']) or 'no version yet'}"
            for item in dependencies
            for vulnerability in item.get("vulns", [])
        ],
        unchecked=[item["name"] for item in dependencies if "skip_reason" in item],
    )
