"""`make test` and `make check`: every check of the project, as one list.

A new check is a new line in STEPS. The tests come last, so that their closing line is the last one.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local.audit import audit_dependencies
from deploy.local.browser import require_chromium
from deploy.local.errors import LauncherError
from deploy.local.nginx import require_nginx
from deploy.local.schema import check_schema
from deploy.local.secret_scan import scan_secrets
from deploy.local.state import PROJECT
from deploy.local.throwaway import ThrowawayServers
from deploy.local.translations import check_catalogues, compile_catalogues

BIN: Final = Path(sys.executable).parent
PYTHON: Final = sys.executable
CODE: Final = ("apps", "marketplace", "deploy", "tests", "manage.py")
PARALLEL_TESTS: Final = "2"

TEST_SETTINGS: Final = {"DJANGO_SETTINGS_MODULE": "marketplace.settings.test"}
# Settings of a deployment as they should be, for Django's own deployment checks.
DEPLOYMENT: Final = {
    "DJANGO_SETTINGS_MODULE": "marketplace.settings.production",
    "PUBLIC_URL": "https://market.example.com",
    "GATEWAY_URL": "https://gateway.example.com",
    "ALLOWED_HOSTS": "market.example.com",
    "SECRET_KEY": "made-up-for-the-check-" + "0123456789abcdefghijklmnopqrstuvwxyz" * 2,
    "KEY_PEPPERS": "1:made-up-for-the-check-0123456789abcdef",
    "FIELD_ENCRYPTION_KEYS": "bWFkZS11cC1mb3ItdGhlLWNoZWNrLTMyLWJ5dGVzISE=",
    "AUTHORIZER_SECRET": "made-up-for-the-check-0123456789abcdef",
    "STRIPE_SECRET_KEY": "sk_live_made_up_for_the_check",
    "STRIPE_WEBHOOK_SECRET": "whsec_made_up_for_the_check",
    "ENVIRONMENT": "production",
}

# Given the environment of the checks' own servers.
Action = Callable[[Mapping[str, str]], str | None]


@dataclass(frozen=True)
class Step:
    """One check: a command, or a function that returns what is wrong."""

    name: str
    argv: tuple[str, ...] = ()
    action: Action | None = None
    environment: Mapping[str, str] | None = None
    quick: bool = False


def _tool(name: str, *arguments: str) -> tuple[str, ...]:
    return (str(BIN / name), *arguments)


def _manage(*arguments: str) -> tuple[str, ...]:
    return (PYTHON, "manage.py", *arguments)


STEPS: Final = (
    Step("lint", _tool("ruff", "check", "."), quick=True),
    Step("format", _tool("ruff", "format", "--check", "."), quick=True),
    Step("order of the apps", _tool("lint-imports", "--no-logo"), quick=True),
    Step("types", _tool("mypy", *CODE), quick=True),
    Step("migrations are complete", _manage("makemigrations", "--check", "--dry-run")),
    Step(
        "deployment settings",
        _manage("check", "--deploy", "--fail-level", "WARNING"),
        environment=DEPLOYMENT,
    ),
    Step("templates", _tool("djlint", "templates", "--lint", "--quiet")),
    Step("translations", action=lambda _: check_catalogues()),
    Step("OpenAPI document is current", action=check_schema),
    Step("YAML", _tool("yamllint", "--strict", ".")),
    Step("Dockerfile", _tool("hadolint", "deploy/docker/Dockerfile")),
    Step(
        "security lint",
        _tool("bandit", "-q", "-r", "-ll", "-c", "pyproject.toml", "apps", "marketplace", "deploy"),
    ),
    Step("known vulnerabilities", action=lambda _: audit_dependencies()),
    Step("secrets", action=lambda _: scan_secrets()),
)

# Tests of one xdist_group (those that start the whole product) never run beside each other.
TESTS: Final = (PYTHON, "-m", "pytest", "-n", PARALLEL_TESTS, "--dist", "loadgroup")
ALL_TESTS: Final = (*TESTS, "--cov", "--cov-report=term:skip-covered")
FAST_TESTS: Final = (*TESTS, "-m", "not slow and not browser and not database", "-q")


def run_everything() -> None:
    """Run all checks and all tests; exit with 1 when one of them fails."""
    os.environ["CHROMIUM"] = require_chromium()
    os.environ["NGINX"] = require_nginx()
    _run(STEPS, ALL_TESTS)


def run_quick() -> None:
    """Run what finds most mistakes in under two minutes; exit with 1 when something fails."""
    _run(tuple(step for step in STEPS if step.quick), FAST_TESTS)


def _run(steps: tuple[Step, ...], tests: tuple[str, ...]) -> None:
    compile_catalogues()
    failed = _run_steps(steps)
    if failed:
        _headline(f"FAILED BEFORE THE TESTS: {', '.join(failed)}")
    else:
        _headline(f"all {len(steps)} checks passed; tests")
    status = subprocess.run(tests, cwd=PROJECT, check=False).returncode
    if failed or status:
        sys.exit(1)


def _run_steps(steps: tuple[Step, ...]) -> list[str]:
    """Run the steps in order and return the names of those that failed."""
    with ThrowawayServers() as servers:
        environment = {**os.environ, **servers.start(), **TEST_SETTINGS}
        return [step.name for step in steps if not _passes(step, environment)]


def _passes(step: Step, environment: Mapping[str, str]) -> bool:
    _headline(step.name)
    began = time.monotonic()
    if step.action is not None:
        problem = _problem_of(step.action, environment)
        if problem:
            print(problem, flush=True)
        passed = problem is None
    else:
        passed = _command_passes(step, environment)
    verdict = "ok" if passed else "FAILED"
    print(f"{verdict} ({time.monotonic() - began:.1f} s)", flush=True)
    return passed


def _problem_of(action: Action, environment: Mapping[str, str]) -> str | None:
    try:
        return action(environment)
    except LauncherError as error:
        return str(error)


def _command_passes(step: Step, environment: Mapping[str, str]) -> bool:
    result = subprocess.run(
        step.argv,
        cwd=PROJECT,
        env={**environment, **(step.environment or {})},
        check=False,
    )
    return result.returncode == 0


def _headline(text: str) -> None:
    print(f"\n== {text} ==", flush=True)
