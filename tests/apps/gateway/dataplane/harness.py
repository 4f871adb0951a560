"""Starts the real parts of the gateway for tests: Valkey, authorizers, Caddy, an upstream, an intake."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, TypeVar

import dns.message
import dns.query
import httpx
from redis import Redis
from redis.exceptions import RedisError

from apps.gateway.caddy_config import GatewayConfig, render_text
from apps.gateway.entries import (
    Change,
    Key,
    Period,
    Quota,
    RateLimit,
    Route,
    Subscription,
    set_entry,
)
from apps.gateway.nginx_config import render_nginx
from apps.gateway.resolver.client import ResolverClient
from apps.gateway.resolver.config import Server
from apps.keys.credential import digest_of, generate_key
from deploy.local.binaries import CADDY_MEMORY, find_binaries
from deploy.local.nginx import require_nginx
from deploy.local.ports import LOOPBACK, accepts_connections, find_free_ports

P = TypeVar("P", bound="Process")
SECRET: Final = "authorizer-secret-of-the-tests"
PEPPERS: Final = (b"older-pepper", b"newest-pepper")
PEPPERS_SETTING: Final = "2:newest-pepper,1:older-pepper"
DAY_MS: Final = 86_400_000
ROOT: Final = Path(__file__).resolve().parents[4]


def wait_for(condition: Callable[[], Any], *, timeout_s: float = 10.0, what: str = "") -> Any:
    """Return the first true value of a condition."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            message = f"not within {timeout_s} s: {what or condition}"
            raise AssertionError(message)
        time.sleep(0.02)


@dataclass
class Process:
    """A child that can be killed and started again."""

    argv: list[str]
    env: dict[str, str]
    log: Path
    child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as stream:
            self.child = subprocess.Popen(
                self.argv, env=self.env, stdout=stream, stderr=stream, cwd=ROOT
            )

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.child is not None
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGCONT)
            self.child.send_signal(number)
        return self.child.wait(timeout=15)

    @property
    def pid(self) -> int:
        assert self.child is not None
        return self.child.pid

    def kill(self) -> None:
        self.stop(signal.SIGKILL)

    def pause(self) -> None:
        assert self.child is not None
        self.child.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self.child is not None
        self.child.send_signal(signal.SIGCONT)


@contextmanager
def running(process: P) -> Iterator[P]:
    process.start()
    try:
        yield process
    finally:
        process.stop()


class ValkeyServer(Process):
    """A Valkey without persistence: stopping it is losing it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (self.port,) = find_free_ports(1)
        binaries = find_binaries(folder, None)
        options = ["--bind", LOOPBACK, "--port", str(self.port), "--save", "", "--dir", str(folder)]
        super().__init__([str(binaries.valkey), *options], dict(os.environ), folder / "valkey.log")
        self.client = Redis(host=LOOPBACK, port=self.port)

    @property
    def url(self) -> str:
        return f"redis://{LOOPBACK}:{self.port}/0"

    def start(self) -> None:
        super().start()
        wait_for(self.answers, what="Valkey")

    def answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except RedisError:
            return False


class AuthorizerProcess(Process):
    """One authorizer, asked as the proxy asks it."""

    def __init__(self, folder: Path, store_url: str, node: str = "node-1", **env: str) -> None:
        (self.port,) = find_free_ports(1)
        self.journal_dir = folder / "journal"
        self.node = node
        bind = env.pop("AUTHORIZER_BIND", f"{LOOPBACK}:{self.port}")
        self._socket = bind.removeprefix("unix:") if bind.startswith("unix:") else None
        self.dial = f"unix/{self._socket}" if self._socket else bind
        settings = {
            "AUTHORIZER_BIND": bind,
            "AUTHORIZER_SECRET": SECRET,
            "KEY_PEPPERS": PEPPERS_SETTING,
            "REDIS_URL": store_url,
            "NODE_NAME": node,
            "GATEWAY_JOURNAL_DIR": str(self.journal_dir),
            "GATEWAY_MIN_FREE_MB": "1",
            "WEB_INTERNAL_URL": "",
            # Upstreams of the tests are on this machine.
            "GATEWAY_RESOLVER_TRUSTED_NETWORKS": LOOPBACK,
            **env,
        }
        super().__init__(
            [sys.executable, "-m", "apps.gateway.authorizer"],
            {**os.environ, **settings},
            folder / f"{node}.log",
        )
        self.client = self._connect()

    def _connect(self) -> httpx.Client:
        transport = httpx.HTTPTransport(uds=self._socket) if self._socket else None
        return httpx.Client(
            base_url=f"http://{LOOPBACK}:{self.port}", transport=transport, trust_env=False
        )

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.client.close()
        status = super().stop(number)
        self.client = self._connect()
        return status

    def health(self) -> dict[str, Any]:
        try:
            return dict(self.client.get("/healthz").json())
        except httpx.HTTPError:
            return {"state": "down"}

    def wait_until(self, state: str, *, timeout_s: float = 10.0) -> dict[str, Any]:
        return dict(
            wait_for(
                lambda: (health := self.health())["state"] == state and health,
                timeout_s=timeout_s,
                what=f"{self.node} {state}: {self.health()}",
            )
        )

    def ask(self, consumer: Consumer | None, **changes: str) -> httpx.Response:
        headers = ask_headers(consumer, **changes)
        # As on the wire: a header may hold any byte.
        encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        return self.client.get("/authz/caddy", headers=encoded)

    def explain(self, **question: str) -> dict[str, Any]:
        """Ask for an explanation: `key`, `digest` or `key_id`; `target`, `method`, `address`, `headers`."""
        headers = {f"x-explain-{name.replace('_', '-')}": text for name, text in question.items()}
        answer = self.client.get("/explain", headers={"x-tollgate-secret": SECRET, **headers})
        assert answer.status_code == 200
        return dict(answer.json())

    def journal_lines(self) -> list[dict[str, Any]]:
        return [
            json.loads(line)
            for path in sorted(self.journal_dir.glob("*.jsonl"))
            for line in path.read_text().splitlines()[1:]
        ]


class ResolverProcess(Process):
    """A resolver that asks one name server."""

    def __init__(self, folder: Path, upstream: str, **env: str) -> None:
        (port,) = find_free_ports(1)
        self.server = Server(LOOPBACK, port)
        settings = {
            "GATEWAY_RESOLVER_BIND": self.server.text,
            "GATEWAY_RESOLVER_UPSTREAMS": upstream,
            **env,
        }
        argv = [sys.executable, "-m", "apps.gateway.resolver"]
        super().__init__(argv, {**os.environ, **settings}, folder / "resolver.log")

    def start(self) -> None:
        super().start()
        wait_for(lambda: accepts_connections(self.server.port), what="the resolver")

    def ask(self, name: str, rdtype: str = "A", **options: Any) -> dns.message.Message:
        query = dns.message.make_query(name, rdtype, use_edns=0, payload=1232, **options)
        return dns.query.udp(query, self.server.host, timeout=8, port=self.server.port)

    def addresses(self, name: str, rdtype: str = "A") -> set[str]:
        return {rdata.address for rrset in self.ask(name, rdtype).answer for rdata in rrset}

    def counts(self) -> dict[str, int]:
        counts = asyncio.run(ResolverClient(self.server).status())
        assert counts is not None
        return counts


@dataclass
class Consumer:
    """A key with its subscription, ready to be put into the registry."""

    slug: str
    org_id: str
    sub_id: str
    key_id: str
    key: str
    subscription: Subscription
    key_entry: Key

    @property
    def digest(self) -> str:
        return digest_of(self.key, PEPPERS[1])

    @property
    def changes(self) -> list[Change]:
        return [set_entry(self.digest, self.key_entry), set_entry(self.sub_id, self.subscription)]

    @property
    def period_start(self) -> int:
        assert self.subscription.quota is not None
        return self.subscription.quota.periods[0].start


def make_consumer(
    slug: str = "weather",
    *,
    limits: tuple[RateLimit, ...] = (),
    quota: int | None = None,
    hard: bool = True,
    key_fields: dict[str, Any] | None = None,
    **fields: Any,
) -> Consumer:
    """Return a consumer of their own organization; `quota` None means no quota."""
    number = uuid.uuid4().hex[:12]
    org_id, sub_id, key_id = f"org_{number}", f"sub_{number}", f"key_{number}"
    now = time.time_ns() // 1_000_000
    period = Period(now - DAY_MS, now + DAY_MS)
    subscription = {
        "api_id": f"api_{slug}",
        "consumer_org_id": org_id,
        "workspace_id": f"ws_{number}",
        "provider_org_id": "org_provider",
        "plan_id": "pln_1",
        "limits": limits,
        "quota": None if quota is None else Quota(quota, hard, (period,)),
        **fields,
    }
    key = {
        "key_id": key_id,
        "sub_id": sub_id,
        "org_id": org_id,
        "workspace_id": f"ws_{number}",
        **(key_fields or {}),
    }
    return Consumer(
        slug, org_id, sub_id, key_id, generate_key("live"), Subscription(**subscription), Key(**key)
    )


def ask_headers(consumer: Consumer | None, **changes: str) -> dict[str, str]:
    """Return the proxy's headers for one call; `changes` replace them (underscores become dashes)."""
    headers = {
        "x-tollgate-secret": SECRET,
        "x-tollgate-request-id": str(uuid.uuid4()),
        "x-tollgate-slug": consumer.slug if consumer else "weather",
        "x-tollgate-method": "GET",
        "x-tollgate-path": "/today",
        "x-tollgate-target": "/today",
        "x-tollgate-client-ip": "203.0.113.7",
    }
    if consumer is not None:
        headers["x-api-key"] = consumer.key
    replaced = {name.replace("_", "-"): value for name, value in changes.items()}
    return {name: value for name, value in (headers | replaced).items() if value != "-"}


def make_route(slug: str, port: int, **fields: Any) -> Change:
    """Return a route to an upstream, by default on this machine."""
    route = Route(
        **{
            "api_id": f"api_{slug}",
            "provider_org_id": "org_provider",
            "scheme": "http",
            "host": LOOPBACK,
            "port": port,
            **fields,
        }
    )
    return set_entry(slug, route)


class CaddyProcess(Process):
    """A real Caddy with our configuration."""

    def __init__(self, folder: Path, authorizer: str, **fields: Any) -> None:
        (self.port,) = find_free_ports(1)
        self.access_log = folder / "log" / "access.log"
        self.config = GatewayConfig(
            listen=(f"{LOOPBACK}:{self.port}",),
            admin_socket=folder / "admin.sock",
            authorizer=authorizer,
            authorizer_secret=SECRET,
            access_log=self.access_log,
            **fields,
        )
        path = folder / "caddy.json"
        path.write_text(render_text(self.config))
        caddy = find_binaries(folder, None).caddy
        super().__init__(
            [str(caddy), "run", "--config", str(path)],
            {**os.environ, **CADDY_MEMORY, "HOME": str(folder), "XDG_DATA_HOME": str(folder)},
            folder / "caddy.log",
        )

    def start(self) -> None:
        self.config.admin_socket.unlink(missing_ok=True)
        super().start()
        wait_for(self.answers, what="Caddy")

    def answers(self) -> bool:
        try:
            return httpx.get(self.url, trust_env=False).status_code > 0
        except httpx.HTTPError:
            return False

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def log_lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.access_log.read_text().splitlines()]


class NginxProcess(Process):
    """A real nginx with our configuration."""

    def __init__(
        self, folder: Path, authorizer: str, pools: tuple[str, ...] = (), **fields: Any
    ) -> None:
        (self.port,) = find_free_ports(1)
        self.access_log = folder / "log" / "access.log"
        self.access_log.parent.mkdir(parents=True, exist_ok=True)
        self.config = GatewayConfig(
            listen=(f"{LOOPBACK}:{self.port}",),
            admin_socket=folder / "none.sock",
            authorizer=authorizer,
            authorizer_secret=SECRET,
            access_log=self.access_log,
            **fields,
        )
        path = folder / "nginx.conf"
        path.write_text(render_nginx(self.config, pools=pools))
        directives = ["daemon off;"]
        if os.geteuid() == 0:
            # Its workers must reach what the authorizer made under the same user.
            directives.append("user root;")
        super().__init__(
            [require_nginx(), "-c", str(path), "-p", str(folder), "-g", " ".join(directives)],
            dict(os.environ),
            folder / "nginx.log",
        )

    def start(self) -> None:
        super().start()
        wait_for(lambda: accepts_connections(self.port), what=f"nginx: {self.log.read_text()}")

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def log_lines(self) -> list[dict[str, Any]]:
        # A target may hold any byte.
        text = self.access_log.read_text(errors="replace")
        return [json.loads(line) for line in text.splitlines()]


class ShipperProcess(Process):
    """A shipper of one gateway's files."""

    def __init__(
        self, folder: Path, journal_dir: Path, access_log: Path, web_url: str, **env: str
    ) -> None:
        self.state_dir = folder / "shipper"
        settings = {
            "GATEWAY_JOURNAL_DIR": str(journal_dir),
            "GATEWAY_ACCESS_LOG": str(access_log),
            "GATEWAY_LONGEST_CALL_S": "3",
            "SHIPPER_STATE_DIR": str(self.state_dir),
            "SHIPPER_TOKEN": Intake.token,
            "WEB_INTERNAL_URL": web_url,
            "NODE_NAME": "node-1",
            **env,
        }
        super().__init__(
            [sys.executable, "-m", "apps.gateway.shipper"],
            {**os.environ, **settings},
            folder / "shipper.log",
        )


class _EchoHandler(BaseHTTPRequestHandler):
    """Answers with what it received."""

    protocol_version = "HTTP/1.1"

    def _echo(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        status = 200
        if "/status/" in self.path:
            status = int(self.path.split("/status/")[1][:3])
        answer = json.dumps(
            {
                "method": self.command,
                "path": self.path,
                "headers": [list(pair) for pair in self.headers.items()],
                "body": body.decode(errors="replace"),
            }
        ).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.send_header("X-RateLimit-Limit", "from the provider")
        self.send_header("X-Quota-Remaining", "from the provider")
        self.send_header("X-Tollgate-Error", "from the provider")
        self.send_header("Access-Control-Allow-Origin", "https://upstream.example")
        if "/metered" in self.path:
            self.send_header("X-Meter", "tokens=381, rows=4")
        self.end_headers()
        self.wfile.write(answer)

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Answer every method alike."""
        if name.startswith("do_"):
            return self._echo
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the base class's name
        """Stay silent."""


@dataclass
class Intake:
    """An intake as the shipper sees it: stores batches, and can be told to refuse."""

    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    posts: int = 0
    refuse: bool = False
    accept_silently: bool = False
    token: str = "shipper-token"
    problems: list[str] = field(default_factory=list)
    # A replay to ask for, what was reported of replays, and ids that are said to be stored.
    replay_asked: dict[str, str] | None = None
    replays: list[dict[str, Any]] = field(default_factory=list)
    forgotten: set[str] = field(default_factory=set)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for batch in self.batches.values() for event in batch["events"]]

    def take(self, headers: Any, body: bytes) -> tuple[int, dict[str, Any]]:
        self.posts += 1
        if headers["Authorization"] != f"Bearer {self.token}":
            return 401, {}
        if self.refuse:
            return 503, {}
        batch_id = headers["Idempotency-Key"]
        content = json.loads(gzip.decompress(body))
        known = self.batches.setdefault(batch_id, content)
        if known != content:
            self.problems.append(f"batch {batch_id} came twice with different content")
        answer = {"batch_id": batch_id, "accepted": len(content["events"]), "rejected": []}
        if self.replay_asked and "shipper" in content:
            answer["replay"] = self.replay_asked
        return (500, {}) if self.accept_silently else (202, answer)

    def tell_missing(self, body: bytes) -> tuple[int, dict[str, Any]]:
        stored = {event["id"] for event in self.events} - self.forgotten
        return 200, {"missing": [name for name in json.loads(body)["ids"] if name not in stored]}

    def take_replay(self, body: bytes) -> tuple[int, dict[str, Any]]:
        self.replays.append(json.loads(body))
        self.replay_asked = None
        return 200, {}


@contextmanager
def serve_echo() -> Iterator[int]:
    """Run an upstream; yield its port."""
    with _serve(_EchoHandler) as server:
        yield server.server_port


@contextmanager
def serve_intake() -> Iterator[tuple[Intake, str]]:
    """Run an intake; yield it and its URL."""
    intake = Intake()

    class Handler(_EchoHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path.endswith("/missing"):
                status, answer = intake.tell_missing(body)
            elif self.path.endswith("/result"):
                status, answer = intake.take_replay(body)
            else:
                status, answer = intake.take(self.headers, body)
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    with _serve(Handler) as server:
        yield intake, f"http://{LOOPBACK}:{server.server_port}"


@contextmanager
def _serve(handler: type[BaseHTTPRequestHandler]) -> Iterator[ThreadingHTTPServer]:
    (port,) = find_free_ports(1)
    server = ThreadingHTTPServer((LOOPBACK, port), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
