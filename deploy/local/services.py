"""The processes of Tollgate, declared: what runs, in which order, and when each counts as ready."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from deploy.local.binaries import CADDY_MEMORY, ServerBinaries
from deploy.local.environment import Folders, load_secrets
from deploy.local.identity import ServiceUser, own_folder
from deploy.local.ports import LOOPBACK
from deploy.local.probes import Probe, answers_http, listens
from deploy.local.process import Command
from deploy.local.servers import Postgres, Valkey
from deploy.local.settings import Ports
from deploy.local.state import PROJECT

WEB_WORKERS: Final = 2
WEB_THREADS: Final = 4
CELERY_CONCURRENCY: Final = 2
# Processes that listen nowhere count as ready when they have lived this long: long enough to read
# the settings, reach the database and refuse what is wrong with either.
SETTLE_S: Final = 2.0


@dataclass(frozen=True)
class Service:
    """A process that is kept running."""

    name: str
    command: Command
    probe: Probe | None = None
    settle_s: float = 0.0
    ready_timeout_s: float = 60.0
    # Called before each start, also after a crash.
    prepare: Callable[[], None] = field(default=lambda: None)
    # Called once the process is ready, also after a crash.
    after_ready: Callable[[], None] = field(default=lambda: None)


@dataclass(frozen=True)
class Job:
    """A command that must succeed before what comes after it starts."""

    name: str
    command: Command


# Everything in one stage starts together, its jobs too; a stage begins when all of the one before
# is ready.
Stage = list[Service | Job]


@dataclass(frozen=True)
class Machine:
    """What the declarations need to know about this machine and this run."""

    folders: Folders
    ports: Ports
    binaries: ServerBinaries
    user: ServiceUser | None


def server_urls(machine: Machine, given: Mapping[str, str]) -> dict[str, str]:
    """Return the URLs of the embedded servers, for those that nothing external replaces."""
    urls = {}
    if "DATABASE_URL" not in given:
        urls["DATABASE_URL"] = _postgres(machine).url()
    if "REDIS_URL" not in given:
        urls["REDIS_URL"] = _valkey(machine).url()
    # The broker has a numbered database of its own, so that emptying one spares the other.
    urls["BROKER_URL"] = given.get("REDIS_URL") or _valkey(machine).url(database=1)
    return urls


def declare_stages(
    machine: Machine, environment: Mapping[str, str], given: Mapping[str, str]
) -> list[Stage]:
    """Return all processes in the order of their start.

    Args:
        machine: this machine and run.
        environment: the environment of every process of ours.
        given: the launcher's own environment; what it names is not started here.
    """
    project = _Project(machine, environment)
    return [
        [
            *_if("DATABASE_URL" not in given, _postgres_service(machine)),
            *_if("REDIS_URL" not in given, _valkey_service(machine)),
        ],
        [
            project.job("migrate", "migrate", "--no-input", "--verbosity=0"),
            project.job("static files", "collectstatic", "--no-input", "--verbosity=0"),
            *_if("STRIPE_API_BASE" not in given, project.stripe_fake()),
            project.upstream(),
        ],
        [
            project.module_job("messages", "deploy.local.translations", "--compile"),
            project.job("shipper token", "register_shipper_token"),
            project.job(
                "gateway config",
                "render_gateway_config",
                "--output",
                str(machine.folders.gateway_config),
            ),
            *_if("STRIPE_API_BASE" not in given, project.job("webhook", "register_stripe_webhook")),
        ],
        [project.web(), project.resolver(), project.authorizer(), _caddy_service(machine)],
        [
            project.command("relay", "run_relay"),
            project.command("usage-processor", "run_usage_processor"),
            project.celery("worker", f"--concurrency={CELERY_CONCURRENCY}"),
            # The schedule is in the database: beat keeps no file, not even its process id.
            project.celery("beat", "--pidfile="),
            project.shipper(),
        ],
    ]


def _if(condition: bool, step: Service | Job) -> Stage:  # noqa: FBT001 -- reads as a sentence
    return [step] if condition else []


class _Project:
    """Declares the processes that run our own code."""

    def __init__(self, machine: Machine, environment: Mapping[str, str]) -> None:
        self._machine = machine
        self._environment = environment

    def job(self, name: str, *arguments: str) -> Job:
        return Job(name, self._python("manage.py", *arguments))

    def module_job(self, name: str, module: str, *arguments: str) -> Job:
        return Job(name, self._python("-m", module, *arguments))

    def command(self, name: str, *arguments: str) -> Service:
        return Service(name, self._python("manage.py", *arguments), settle_s=SETTLE_S)

    def celery(self, role: str, *options: str) -> Service:
        arguments = ("-m", "celery", "-A", "marketplace", role, "--loglevel=INFO", *options)
        return Service(role, self._python(*arguments), settle_s=SETTLE_S)

    def web(self) -> Service:
        port = self._machine.ports.web
        command = self._python(
            *("-m", "granian", "--interface", "wsgi", "--host", LOOPBACK, "--port", str(port)),
            *("--workers", str(WEB_WORKERS), "--blocking-threads", str(WEB_THREADS), "--no-ws"),
            *("--respawn-failed-workers", "marketplace.wsgi:application"),
        )
        return Service("web", command, probe=answers_http(port, "/api/health/live"))

    def authorizer(self) -> Service:
        command = self._python("-m", "apps.gateway.authorizer")
        return Service("authorizer", command, probe=listens(self._machine.ports.authorizer))

    def resolver(self) -> Service:
        command = self._python("-m", "apps.gateway.resolver")
        return Service("resolver", command, probe=listens(self._machine.ports.resolver))

    def shipper(self) -> Service:
        return Service("shipper", self._python("-m", "apps.gateway.shipper"), settle_s=SETTLE_S)

    def upstream(self) -> Service:
        command = self._python("-m", "deploy.local.upstream")
        return Service("upstream", command, probe=listens(self._machine.ports.upstream))

    def stripe_fake(self) -> Service:
        command = self._python("-m", "deploy.local.stripe_fake")
        return Service("stripe", command, probe=listens(self._machine.ports.stripe))

    def _python(self, *arguments: str) -> Command:
        return Command(
            argv=[sys.executable, *arguments], environment=self._environment, folder=PROJECT
        )


def _postgres(machine: Machine) -> Postgres:
    return Postgres(
        binaries=machine.binaries,
        folder=machine.folders.state / "postgres",
        port=machine.ports.postgres,
        password=load_secrets(machine.folders.state)["DATABASE_PASSWORD"],
        user=machine.user,
    )


def _valkey(machine: Machine) -> Valkey:
    return Valkey(
        binaries=machine.binaries,
        folder=machine.folders.state / "valkey",
        port=machine.ports.valkey,
        password=load_secrets(machine.folders.state)["VALKEY_PASSWORD"],
        user=machine.user,
    )


def _postgres_service(machine: Machine) -> Service:
    postgres = _postgres(machine)
    return Service(
        "postgres",
        postgres.command(),
        probe=postgres.is_ready,
        prepare=postgres.prepare,
        after_ready=postgres.create_database,
    )


def _valkey_service(machine: Machine) -> Service:
    valkey = _valkey(machine)
    return Service("valkey", valkey.command(), probe=valkey.is_ready, prepare=valkey.prepare)


def _caddy_service(machine: Machine) -> Service:
    folders = machine.folders
    home = str(folders.gateway)
    command = Command(
        argv=[str(machine.binaries.caddy), "run", "--config", str(folders.gateway_config)],
        environment={
            "PATH": os.defpath,
            "HOME": home,
            "XDG_CONFIG_HOME": home,
            "XDG_DATA_HOME": home,
            **CADDY_MEMORY,
        },
        folder=folders.gateway,
        user=machine.user,
    )

    def prepare() -> None:
        own_folder(folders.gateway, machine.user)
        _give_config(folders.gateway_config, machine.user)
        # A killed Caddy leaves its socket behind.
        folders.admin_socket.unlink(missing_ok=True)

    return Service("caddy", command, probe=listens(machine.ports.gateway), prepare=prepare)


def _give_config(config: Path, user: ServiceUser | None) -> None:
    """Let only Caddy read its configuration: the authorizer's secret is in it."""
    config.chmod(0o600)
    if user is not None:
        os.chown(config, user.uid, user.gid)
