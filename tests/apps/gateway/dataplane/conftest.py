"""A running gateway for the tests of this folder, started once per file."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.gateway.entries import Change
from apps.gateway.store.counters import CounterStore
from apps.gateway.store.registry import RegistryWriter
from tests.apps.gateway.dataplane.harness import (
    AuthorizerProcess,
    CaddyProcess,
    Consumer,
    ValkeyServer,
    make_route,
    running,
    serve_echo,
    wait_for,
)


class Registry:
    """The relay's part, by hand: versions count up, counters exist before keys."""

    def __init__(self, valkey: ValkeyServer) -> None:
        self.writer = RegistryWriter(valkey.client)
        self.counters = CounterStore(valkey.client)
        self.version = 1
        self.epoch = uuid.uuid4().hex
        self.writer.rebuild([], epoch=self.epoch, version=1)

    def apply(self, *changes: Change) -> int:
        self.version += 1
        self.writer.apply(changes, epoch=self.epoch, version=self.version)
        return self.version

    def admit(self, *consumers: Consumer, used: int = 0) -> None:
        for consumer in consumers:
            if consumer.subscription.quota is not None:
                self.counters.ensure_counter(
                    org_id=consumer.org_id,
                    sub_id=consumer.sub_id,
                    period_start=consumer.period_start,
                    used=used,
                )
        self.apply(*(change for consumer in consumers for change in consumer.changes))
        self.wait_for_proof()

    def wait_for_proof(self) -> None:
        wait_for(
            lambda: all(
                node.version >= self.version for node in self.writer.nodes() if node.is_leased
            ),
            what="proof",
        )

    def used(self, consumer: Consumer) -> int:
        counters = self.counters.read(org_id=consumer.org_id, sub_id=consumer.sub_id)
        return counters[consumer.period_start]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gateway")


@pytest.fixture(scope="module")
def valkey(folder: Path) -> Iterator[ValkeyServer]:
    server = ValkeyServer(folder / "valkey")
    with running(server):
        yield server


@pytest.fixture(scope="module")
def upstream_port() -> Iterator[int]:
    with serve_echo() as port:
        yield port


@pytest.fixture(scope="module")
def registry(valkey: ValkeyServer, upstream_port: int) -> Registry:
    registry = Registry(valkey)
    registry.apply(make_route("weather", upstream_port))
    return registry


@pytest.fixture(scope="module")
def authorizer(
    folder: Path, valkey: ValkeyServer, registry: Registry
) -> Iterator[AuthorizerProcess]:
    process = AuthorizerProcess(folder, valkey.url)
    with running(process):
        process.wait_until("serving")
        yield process


@pytest.fixture(scope="module")
def caddy(folder: Path, authorizer: AuthorizerProcess) -> Iterator[CaddyProcess]:
    process = CaddyProcess(folder, f"127.0.0.1:{authorizer.port}")
    with running(process):
        yield process
