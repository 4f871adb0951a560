"""The whole product on this machine, supervised.

with Stack(state, ports=Ports.free()) as stack:
stack.kill("worker", signal.SIGKILL)
stack.wait_ready("worker")
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Final

from deploy.local.binaries import find_binaries
from deploy.local.environment import Folders, build_environment
from deploy.local.errors import AlreadyRunningError
from deploy.local.external import require_external_servers
from deploy.local.identity import choose_service_user, own_folder
from deploy.local.keeper import Keeper
from deploy.local.locks import try_lock
from deploy.local.services import Machine, declare_stages, server_urls
from deploy.local.settings import Ports

# Ports of embedded servers that an external URL replaces.
REPLACED_BY: Final = {
    "postgres": "DATABASE_URL",
    "valkey": "REDIS_URL",
    "stripe": "STRIPE_API_BASE",
}


class Stack(Keeper):
    """All processes of Tollgate in one state folder, which it owns while it runs."""

    def __init__(
        self,
        state: Path,
        *,
        ports: Ports,
        given: Mapping[str, str] = os.environ,
        report: Callable[[str], None] = lambda _line: None,
        without: frozenset[str] = frozenset(),
    ) -> None:
        """Prepare a stack; nothing runs yet.

        Args:
            state: an existing folder that the servers' user can enter.
            ports: where the processes listen.
            given: settings that replace ours, such as DATABASE_URL.
            report: receives one line per thing that happens.
            without: names of processes and jobs that are left out.
        """
        user = choose_service_user()
        self.folders = Folders(state)
        self.ports = ports
        self._given = given
        self._lock: IO[str] | None = None
        self._machine = Machine(self.folders, ports, find_binaries(state / "servers", user), user)
        self.environment = build_environment(
            self.folders, ports, server_urls=server_urls(self._machine, given), given=given
        )
        stages = declare_stages(self._machine, self.environment, given)
        super().__init__(
            [[step for step in stage if step.name not in without] for stage in stages],
            state,
            report,
        )
        self._absent = without | {name for name, url in REPLACED_BY.items() if url in given}

    def start(self) -> None:
        """Start all processes; on failure everything is ended again.

        Raises: AlreadyRunningError, PortBusyError, NotReadyError.
        """
        self._lock = try_lock(self.folders.state / "launcher.lock")
        if self._lock is None:
            raise AlreadyRunningError(
                f"Tollgate runs already from {self.folders.state}. Stop it first (Ctrl-C there)."
            )
        try:
            self.end_leftovers()
            require_external_servers(self._given)
            self.ports.require_free([name for name in vars(self.ports) if name not in self._absent])
            self.folders.journal.mkdir(mode=0o700, exist_ok=True)
            own_folder(self.folders.gateway, self._machine.user)
            super().start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End all processes, the last started first. May be called twice."""
        super().stop()
        if self._lock is not None:
            self._lock.close()
            self._lock = None
