"""A migrated PostgreSQL cluster, built once per state of the migrations and copied by every run."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local.locks import exclusive_lock
from deploy.local.ports import find_free_ports
from deploy.local.servers import VOLATILE_SETTINGS, Postgres, new_password
from deploy.local.state import PROJECT
from deploy.local.throwaway import RunningServer, ThrowawayServers

TEMPLATE_NAME: Final = "tollgate_template"
UNUSED_AFTER_S: Final = 3 * 60 * 60
# What decides the schema: our migrations with their data, the apps that are installed, and the
# locked versions of everybody else's migrations.
SCHEMA_SOURCES: Final = (
    "apps/*/migrations/**/*.py",
    "apps/**/*.sql",
    "marketplace/**/migrations/**/*.py",
    "marketplace/settings/*.py",
    "requirements/test.txt",
)


@dataclass(frozen=True)
class Template:
    """A stopped cluster that holds the migrated database TEMPLATE_NAME."""

    folder: Path
    password: str


class MigrationError(Exception):
    """The migrations did not run through; carries the end of their output."""


def schema_key(project: Path = PROJECT) -> str:
    """Return a key that changes whenever the schema may have changed."""
    digest = hashlib.sha256()
    for pattern in SCHEMA_SOURCES:
        for path in sorted(project.glob(pattern)):
            digest.update(str(path.relative_to(project)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def get_template(servers: ThrowawayServers) -> Template:
    """Return the template of the present schema, building it if no run has done so before.

    Raises: MigrationError.
    """
    cache = servers.state / "cache"
    cache.mkdir(mode=0o711, exist_ok=True)
    folder = cache / f"pg-{schema_key()}"
    with exclusive_lock(folder.with_suffix(".lock")):
        if not folder.exists():
            _build(servers, folder)
            _forget_old(cache)
        os.utime(folder)
        return Template(folder / "postgres", (folder / "password").read_text())


def _build(servers: ThrowawayServers, folder: Path) -> None:
    draft = folder.with_suffix(".draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o711)
    password = new_password()
    (draft / "password").touch(mode=0o600)
    (draft / "password").write_text(password)
    (port,) = find_free_ports(1)
    postgres = Postgres(
        binaries=servers.binaries,
        folder=draft / "postgres",
        port=port,
        password=password,
        user=servers.user,
        settings=VOLATILE_SETTINGS,
    )
    running = RunningServer(postgres)
    try:
        postgres.create_database(TEMPLATE_NAME)
        _migrate(postgres.url(TEMPLATE_NAME), servers.redis_url)
    finally:
        running.stop()
    draft.rename(folder)


def _migrate(database_url: str, redis_url: str) -> None:
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "BROKER_URL": redis_url,
    }
    result = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--no-input", "--skip-checks", "--verbosity=0"],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise MigrationError("\n".join(result.stdout.splitlines()[-15:]))


def _forget_old(cache: Path) -> None:
    """Remove templates of schemas that are gone; other runs may use the latest ones now."""
    too_old = time.time() - UNUSED_AFTER_S
    for path in cache.glob("pg-*"):
        if path.stat().st_mtime > too_old:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
