"""An upstream whose name leads inside is never dialled: by Caddy at connect, by the authorizer before counting."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from deploy.local.ports import LOOPBACK, find_free_ports
from tests.apps.gateway.dataplane.conftest import Registry
from tests.apps.gateway.dataplane.harness import (
    AuthorizerProcess,
    CaddyProcess,
    Consumer,
    ResolverProcess,
    ValkeyServer,
    make_consumer,
    make_route,
    running,
    wait_for,
)
from tests.apps.gateway.dataplane.nameserver import NameServer, serve_names

# Stands for the internet: the one address of these tests that counts as public.
OUTSIDE = "127.0.0.2"


class Canary:
    """A port of this machine that nobody may reach through the gateway."""

    def __init__(self, port: int) -> None:
        self.visits = 0
        self._listener = socket.create_server((LOOPBACK, port))

    def watch(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.visits += 1
            connection.close()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


class _ClosingHandler(BaseHTTPRequestHandler):
    """Ends each connection, so that the proxy has to dial again."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
        """Stay silent."""


@contextmanager
def in_thread(target: Callable[[], None]) -> Iterator[None]:
    """Run a loop that ends by what the block does last."""
    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    yield
    thread.join(timeout=10)


@pytest.fixture(scope="module")
def names() -> Iterator[NameServer]:
    with serve_names() as server:
        yield server


@pytest.fixture(scope="module")
def resolver(folder: Path, names: NameServer) -> Iterator[ResolverProcess]:
    process = ResolverProcess(folder, names.text, GATEWAY_RESOLVER_TRUSTED_NETWORKS=OUTSIDE)
    with running(process):
        yield process


@pytest.fixture(scope="module")
def outside_port() -> Iterator[int]:
    """Run an upstream that counts as being outside."""
    (port,) = find_free_ports(1)
    server = ThreadingHTTPServer((OUTSIDE, port), _ClosingHandler)
    server.daemon_threads = True
    with in_thread(server.serve_forever):
        yield port
        server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def canary(outside_port: int) -> Iterator[Canary]:
    """Listen on the port of the upstream, but inside."""
    canary = Canary(outside_port)
    with in_thread(canary.watch):
        yield canary
        canary.close()


@pytest.fixture(scope="module")
def authorizer(
    folder: Path, valkey: ValkeyServer, registry: Registry
) -> Iterator[AuthorizerProcess]:
    """Run an authorizer that knows no resolver, so that everything is left to Caddy."""
    (nothing,) = find_free_ports(1)
    process = AuthorizerProcess(
        folder, valkey.url, node="blind", GATEWAY_RESOLVER_BIND=f"{LOOPBACK}:{nothing}"
    )
    with running(process):
        process.wait_until("serving")
        yield process


@pytest.fixture(scope="module")
def watchful(
    folder: Path, valkey: ValkeyServer, registry: Registry, resolver: ResolverProcess
) -> Iterator[AuthorizerProcess]:
    """Run an authorizer beside a resolver."""
    (folder / "watchful").mkdir()
    process = AuthorizerProcess(
        folder / "watchful",
        valkey.url,
        node="watchful",
        GATEWAY_RESOLVER_BIND=resolver.server.text,
        OUTGOING_TRUSTED_HOSTS="10.0.0.7:9000",
    )
    with running(process):
        process.wait_until("serving")
        yield process


@pytest.fixture(scope="module")
def caddy(
    folder: Path, authorizer: AuthorizerProcess, resolver: ResolverProcess
) -> Iterator[CaddyProcess]:
    process = CaddyProcess(folder, f"{LOOPBACK}:{authorizer.port}", resolver=resolver.server.text)
    with running(process):
        yield process


def publish(registry: Registry, slug: str, host: str, port: int) -> Consumer:
    """Put an API of that host into the registry, and a consumer of it."""
    registry.apply(make_route(slug, port, host=host))
    consumer = make_consumer(slug, quota=100)
    registry.admit(consumer)
    return consumer


def call(caddy: CaddyProcess, consumer: Consumer) -> httpx.Response:
    headers = {"X-Api-Key": consumer.key}
    return httpx.get(f"{caddy.url}/{consumer.slug}/x", headers=headers, timeout=15, trust_env=False)


def assert_unreachable(answer: httpx.Response) -> None:
    assert answer.status_code == 502
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "upstream_unreachable"


def test_name_that_is_public_passes_until_it_turns_inside(
    caddy: CaddyProcess, registry: Registry, names: NameServer, outside_port: int, canary: Canary
) -> None:
    names.set("rebind.example.com", OUTSIDE)
    consumer = publish(registry, "rebind", "rebind.example.com", outside_port)
    assert call(caddy, consumer).status_code == 200

    names.set("rebind.example.com", LOOPBACK)

    wait_for(lambda: call(caddy, consumer).status_code == 502, what="the new answer")
    assert_unreachable(call(caddy, consumer))
    names.set("rebind.example.com", OUTSIDE)
    wait_for(lambda: call(caddy, consumer).status_code == 200, what="the old answer")
    assert canary.visits == 0


@pytest.mark.parametrize(
    ("slug", "records"),
    [
        ("inside", [LOOPBACK]),
        ("inside-six", ["::1"]),
        ("mapped", ["::ffff:127.0.0.1"]),
        ("metadata", ["169.254.169.254"]),
        ("mixed", [OUTSIDE, LOOPBACK]),
        ("mixed-families", [OUTSIDE, "::1"]),
        ("aliased", ["CNAME inside.example.com"]),
    ],
)
def test_name_that_leads_inside_is_not_dialled(
    caddy: CaddyProcess,
    registry: Registry,
    names: NameServer,
    outside_port: int,
    canary: Canary,
    slug: str,
    records: list[str],
) -> None:
    names.set("inside.example.com", LOOPBACK)
    names.set(f"{slug}.example.com", *records)
    consumer = publish(registry, slug, f"{slug}.example.com", outside_port)

    assert_unreachable(call(caddy, consumer))
    assert canary.visits == 0


def test_without_the_resolver_no_name_is_dialled_and_addresses_go_on(
    caddy: CaddyProcess,
    registry: Registry,
    resolver: ResolverProcess,
    names: NameServer,
    outside_port: int,
    upstream_port: int,
) -> None:
    names.set("steady.example.com", OUTSIDE)
    named = publish(registry, "steady", "steady.example.com", outside_port)
    literal = publish(registry, "literal", LOOPBACK, upstream_port)
    assert call(caddy, named).status_code == 200
    try:
        resolver.kill()
        assert_unreachable(call(caddy, named))
        assert call(caddy, literal).status_code == 200
    finally:
        resolver.start()

    assert call(caddy, named).status_code == 200


def test_authorizer_refuses_a_name_that_leads_inside_and_counts_nothing(
    watchful: AuthorizerProcess, registry: Registry, names: NameServer
) -> None:
    names.set("turned.example.com", LOOPBACK)
    consumer = publish(registry, "turned", "turned.example.com", 443)

    wait_for(lambda: watchful.ask(consumer).status_code == 503, what="the refusal")
    used = registry.used(consumer)
    refused = watchful.ask(consumer)

    assert refused.json()["code"] == "upstream_refused"
    assert "x-upstream-dial" not in refused.headers
    assert registry.used(consumer) == used


@pytest.mark.parametrize(
    "host",
    ["10.0.0.8", "8.8.8.8", "0x7f.1", "2130706433", "::1", "localhost", "db", "x.internal"],
)
def test_authorizer_refuses_hosts_that_no_resolver_would_see(
    watchful: AuthorizerProcess, registry: Registry, host: str
) -> None:
    consumer = publish(registry, f"shape-{abs(hash(host))}", host, 443)

    refused = watchful.ask(consumer)

    assert (refused.status_code, refused.json()["code"]) == (503, "upstream_refused")
    assert registry.used(consumer) == 0


def test_authorizer_lets_on_what_is_listed_and_what_does_not_resolve(
    watchful: AuthorizerProcess, registry: Registry, names: NameServer
) -> None:
    listed = publish(registry, "listed", "10.0.0.7", 9000)
    gone = publish(registry, "gone", "gone.example.com", 443)
    wait_for(lambda: names.asked["gone.example.com"], what="the check of the name")

    for consumer in (listed, gone):
        assert watchful.ask(consumer).status_code == 200


def test_authorizer_tells_whether_the_resolver_answers(
    watchful: AuthorizerProcess, registry: Registry, resolver: ResolverProcess
) -> None:
    def reported() -> dict[str, bool | None]:
        return {node.name: node.resolver_up for node in registry.writer.nodes()}

    wait_for(lambda: reported().get("watchful") is True, what="the report")
    assert reported()["blind"] is False
    assert "tollgate_gateway_resolver_up 1" in watchful.client.get("/metrics").text
    try:
        resolver.kill()
        wait_for(lambda: reported()["watchful"] is False, what="the report")
        assert "tollgate_gateway_resolver_up 0" in watchful.client.get("/metrics").text
    finally:
        resolver.start()
