"""Pytest plugin: gives every run its own PostgreSQL and Valkey.

Loaded with `-p` (pyproject.toml), so that the servers run before Django reads its settings. When
DATABASE_URL and REDIS_URL are set, those servers are used and nothing is started. Under xdist
only the controller starts servers; its workers inherit the environment.
"""

import atexit
import os
from collections.abc import Generator
from typing import Final
from urllib.parse import urlsplit

import pytest

from deploy.local.errors import LauncherError
from deploy.local.throwaway import ThrowawayServers
from tests.template_database import TEMPLATE_NAME, MigrationError, get_template

SETTINGS_MODULE: Final = "marketplace.settings.test"
# Names the migrated database to the workers and to pytest_configure.
TEMPLATE_VARIABLE: Final = "TOLLGATE_TEST_TEMPLATE"
# Valkey has 16 databases; 0 and 1 stay with whoever runs without workers.
FIRST_STORE: Final = 2
FIRST_BROKER: Final = 9
servers_key = pytest.StashKey[ThrowawayServers]()
migration_error_key = pytest.StashKey[str]()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    """Start the servers before pytest-django loads the settings."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", SETTINGS_MODULE)
    options = early_config.known_args_namespace
    _take_own_databases()
    asks_only = options.help or options.version
    if not asks_only and not {"DATABASE_URL", "REDIS_URL"} <= os.environ.keys():
        try:
            early_config.stash[servers_key] = _start_servers(early_config)
        except LauncherError as error:
            raise pytest.UsageError(str(error)) from error
    return (yield)


def _take_own_databases() -> None:
    """Give each xdist worker databases of its own in Valkey: tests empty theirs."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if not worker.startswith("gw"):
        return
    number = int(worker.removeprefix("gw"))
    for variable, first in (("REDIS_URL", FIRST_STORE), ("BROKER_URL", FIRST_BROKER)):
        url = os.environ.get(variable, "")
        if url.startswith("redis://"):
            os.environ[variable] = urlsplit(url)._replace(path=f"/{first + number}").geturl()


def _start_servers(config: pytest.Config) -> ThrowawayServers:
    servers = ThrowawayServers()
    # pytest_unconfigure does not run when the configuration itself fails.
    atexit.register(servers.stop)
    if "REDIS_URL" not in os.environ:
        servers.start_valkey()
        os.environ["REDIS_URL"] = servers.redis_url
    os.environ.setdefault("BROKER_URL", os.environ["REDIS_URL"])
    if "DATABASE_URL" not in os.environ:
        _start_postgres(servers, config)
        os.environ["DATABASE_URL"] = servers.database_url
    return servers


def _start_postgres(servers: ThrowawayServers, config: pytest.Config) -> None:
    try:
        template = get_template(servers)
    except MigrationError as error:
        # Tests without a database still run; the others fail with the same error.
        config.stash[migration_error_key] = str(error)
        servers.start_postgres()
        return
    servers.start_postgres(copy_of=template.folder, password=template.password)
    os.environ[TEMPLATE_VARIABLE] = TEMPLATE_NAME


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say that the migrations fail before the tests that need them do."""
    error = config.stash.get(migration_error_key, None)
    return [f"Migrations fail; the template database is missing:\n{error}"] if error else []


def pytest_configure() -> None:
    """Let pytest-django clone the migrated database instead of running the migrations."""
    if TEMPLATE_VARIABLE in os.environ:
        from django.db import connections  # noqa: PLC0415 -- after the settings are loaded

        test_options = connections["default"].settings_dict.setdefault("TEST", {})
        test_options["TEMPLATE"] = os.environ[TEMPLATE_VARIABLE]


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """End the servers when the run is over, also after Ctrl-C."""
    if servers_key in config.stash:
        config.stash[servers_key].stop()
