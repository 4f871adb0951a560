"""Servers with fresh data for one test run: started together, gone together."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final, Self

from deploy.local.binaries import ServerBinaries, find_binaries
from deploy.local.errors import NotReadyError
from deploy.local.identity import ServiceUser, choose_service_user
from deploy.local.locks import try_lock
from deploy.local.ports import find_free_ports
from deploy.local.process import Command, last_lines, start, stop, wait_until
from deploy.local.servers import VOLATILE_SETTINGS, Postgres, Valkey, new_password
from deploy.local.state import open_state_folder

FOLDER_PREFIX: Final = "tollgate-test-"
READY_TIMEOUT_S: Final = 30
START_ATTEMPTS: Final = 3
# A folder that has just been made may not hold its lock yet.
STALE_AFTER_S: Final = 60


class RunningServer:
    """A started server that is ready to be used."""

    def __init__(self, server: Postgres | Valkey) -> None:
        """Prepare and start `server` and wait until it is ready.

        Raises: NotReadyError with the end of its log.
        """
        self.server = server
        server.prepare()
        self.command: Command = server.command()
        log_path = server.folder.with_name(f"{server.folder.name}.log")
        self.process: subprocess.Popen[bytes] = start(self.command, log_path)
        wait_until(
            lambda: self.process.poll() is not None or server.is_ready(), timeout_s=READY_TIMEOUT_S
        )
        if self.process.poll() is not None or not server.is_ready():
            self.stop()
            raise NotReadyError(
                f"{type(server).__name__} did not become ready:\n{last_lines(log_path)}"
            )

    def stop(self) -> None:
        """End the server."""
        stop(self.process, self.command)


class ThrowawayServers:
    """PostgreSQL and Valkey on free ports, in a temporary folder."""

    def __init__(self) -> None:
        """Make the folder; nothing runs yet."""
        self.user: ServiceUser | None = choose_service_user()
        self.state = open_state_folder(self.user)
        self.binaries: ServerBinaries = find_binaries(self.state / "servers", self.user)
        remove_stale_folders()
        self.folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))
        self.folder.chmod(0o711)
        self._lock: IO[str] | None = try_lock(self.folder / ".lock")
        self._running: list[RunningServer] = []
        self.database_url = ""
        self.redis_url = ""

    def __enter__(self) -> Self:
        """Begin; `start` starts the servers."""
        return self

    def __exit__(self, *_error: object) -> None:
        """End what runs."""
        self.stop()

    def start(self) -> dict[str, str]:
        """Start both servers, empty, and return the environment that names them."""
        self.start_valkey()
        self.start_postgres()
        return {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}

    def start_valkey(self) -> None:
        """Start an empty Valkey and set `redis_url`."""
        valkey = self._start(
            lambda port: Valkey(
                binaries=self.binaries,
                folder=self.folder / "valkey",
                port=port,
                password=new_password(),
                user=self.user,
                durable=False,
            )
        )
        self.redis_url = valkey.server.url()

    def start_postgres(
        self, *, copy_of: Path | None = None, password: str = "", durable: bool = False
    ) -> None:
        """Start PostgreSQL and set `database_url`.

        Args:
            copy_of: folder of a stopped cluster to begin with; an empty cluster when None.
            password: the password of that cluster.
            durable: wait for the disk at each commit, as in production.
        """
        folder = self.folder / "postgres"
        if copy_of is not None:
            copy_tree(copy_of, folder)
        password = password or new_password()
        postgres = self._start(
            lambda port: Postgres(
                binaries=self.binaries,
                folder=folder,
                port=port,
                password=password,
                user=self.user,
                settings={} if durable else VOLATILE_SETTINGS,
            )
        )
        if isinstance(postgres.server, Postgres):
            postgres.server.create_database()
        self.database_url = postgres.server.url()

    def stop(self) -> None:
        """End what runs and remove the folder. May be called twice."""
        while self._running:
            self._running.pop().stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _start(self, make: Callable[[int], Postgres | Valkey]) -> RunningServer:
        """Start what `make` returns for a free port; another run may take the port before us."""
        for attempt in range(START_ATTEMPTS):
            (port,) = find_free_ports(1)
            try:
                running = RunningServer(make(port))
            except NotReadyError:
                if attempt == START_ATTEMPTS - 1:
                    raise
            else:
                self._running.append(running)
                return running
        raise AssertionError("the last attempt returns or raises")


def remove_stale_folders() -> None:
    """Remove the folders of runs that were killed before they could clean up."""
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}*"):
        try:
            found = folder.stat()
        except FileNotFoundError:
            continue  # another run has just ended
        if found.st_uid != os.getuid() or time.time() - found.st_mtime < STALE_AFTER_S:
            continue
        lock = try_lock(folder / ".lock")
        if lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            lock.close()


def copy_tree(source: Path, target: Path) -> None:
    """Copy a folder with its owners and modes."""
    # cp keeps owners, which shutil does not, and shares blocks where the file system can.
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)
