import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local import audit, checks
from deploy.local.checks import Step
from deploy.local.secret_scan import scan_secrets

OUR_ENVIRONMENT = {"PATH": "/usr/bin:/bin"}


def step(name: str, source: str) -> Step:
    return Step(name, (sys.executable, "-c", source))


def test_step_passes_by_its_exit_status(capfd: pytest.CaptureFixture[str]) -> None:
    assert checks._passes(step("fine", "print('looked')"), OUR_ENVIRONMENT)
    assert not checks._passes(step("broken", "raise SystemExit(3)"), OUR_ENVIRONMENT)
    output = capfd.readouterr().out
    assert "== fine ==\nlooked\nok (" in output
    assert "== broken ==\nFAILED (" in output


def test_step_sees_its_own_environment_above_the_common_one() -> None:
    source = "import os; raise SystemExit(os.environ['ENVIRONMENT'] != 'production')"
    common = {**OUR_ENVIRONMENT, "ENVIRONMENT": "test"}
    own = Step("settings", (sys.executable, "-c", source), environment=checks.DEPLOYMENT)
    assert checks._passes(own, common)
    assert not checks._passes(step("common", source), common)


def test_function_step_fails_with_what_it_returns(capsys: pytest.CaptureFixture[str]) -> None:
    assert not checks._passes(Step("texts", action=lambda _: "es: missing"), OUR_ENVIRONMENT)
    assert "es: missing\nFAILED" in capsys.readouterr().out


def test_quick_checks_are_a_part_of_all_checks() -> None:
    quick = [each.name for each in checks.STEPS if each.quick]
    assert quick == ["lint", "format", "order of the apps", "types"]
    assert "not slow and not browser and not database" in checks.FAST_TESTS


def test_every_program_of_the_checks_is_installed() -> None:
    missing = [
        each.argv[0] for each in checks.STEPS if each.argv and not Path(each.argv[0]).exists()
    ]
    assert missing == []


def test_audit_reports_vulnerabilities_and_what_it_could_not_ask() -> None:
    report = """{"dependencies": [
        {"name": "django", "version": "5.2", "vulns": [{"id": "CVE-1", "fix_versions": ["5.2.1"]}]},
        {"name": "redis", "version": "8.1", "vulns": [{"id": "CVE-2", "fix_versions": []}]},
        {"name": "ours", "skip_reason": "not found"}
    ]}"""
    answer = audit.read_report(report)
    assert answer.found == [
        "django 5.2: CVE-1, fixed in 5.2.1",
        "redis 8.1: CVE-2, fixed in no version yet",
    ]
    assert answer.unchecked == ["ours"]
    assert answer.asked == 3


@pytest.mark.slow
def test_secret_is_found_until_it_is_in_the_baseline(tmp_path: Path) -> None:
    baseline = tmp_path / ".secrets.baseline"
    scanner = [str(checks.BIN / "detect-secrets"), "scan"]
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    baseline.write_text(subprocess.check_output(scanner, cwd=tmp_path, text=True))
    key = "AKIA" + "QWERTYUIOPASDFGH"
    (tmp_path / "settings.py").write_text(f'aws = "{key}"\n')
    subprocess.run(["git", "add", "settings.py"], cwd=tmp_path, check=True)
    # More than one detector may find it; which of them is named does not matter.
    assert (scan_secrets(tmp_path) or "").startswith("settings.py:1: ")
    subprocess.run([*scanner, "--baseline", str(baseline)], cwd=tmp_path, check=True)
    (tmp_path / "settings.py").write_text(f'\n\naws = "{key}"\n')
    assert scan_secrets(tmp_path) is None
