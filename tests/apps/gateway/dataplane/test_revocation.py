"""A revoked key passes nowhere once its revocation is proven, whoever is cut off meanwhile."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

import httpx
import pytest

from apps.gateway.entries import KEY, Subscription, delete_entry, set_entry
from apps.gateway.store import names
from deploy.local.ports import LOOPBACK
from tests.apps.gateway.dataplane.conftest import Registry
from tests.apps.gateway.dataplane.harness import (
    AuthorizerProcess,
    Consumer,
    ValkeyServer,
    make_consumer,
    running,
    wait_for,
)

CALLS_PER_SECOND = 20
BOUND_S = 1.0
MANY_KEYS = 10_000


class Cable:
    """A TCP connection to the store that can be cut."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        self._ends: list[socket.socket] = []
        self._is_cut = False
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End every connection, and let no new one come about."""
        self._is_cut = True
        # A listener that is only closed goes on accepting while a thread waits at it.
        for end in (self._listener, *self._ends):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # the other side was faster
            finally:
                end.close()

    def _accept(self) -> None:
        while not self._is_cut:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection((LOOPBACK, self._target))
            self._ends += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            return


class Callers:
    """One client per authorizer, each calling twenty times a second; remembers when what came."""

    def __init__(self, authorizers: list[AuthorizerProcess], consumer: Consumer) -> None:
        self.answers: dict[str, list[tuple[float, int]]] = {node.node: [] for node in authorizers}
        self._consumer = consumer
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._call, args=(node,), daemon=True) for node in authorizers
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def allowed_since(self, moment: float) -> list[tuple[str, float]]:
        return [
            (node, at - moment)
            for node, answers in self.answers.items()
            for at, status in answers
            if status == httpx.codes.OK and at > moment
        ]

    def count_since(self, moment: float) -> Counter[str]:
        return Counter(
            node for node, answers in self.answers.items() for at, _ in answers if at > moment
        )

    def _call(self, node: AuthorizerProcess) -> None:
        while not self._stopped.wait(1 / CALLS_PER_SECOND):
            status = node.ask(self._consumer).status_code
            self.answers[node.node].append((time.monotonic(), status))


@contextmanager
def three_nodes(
    folder: Path, valkey: ValkeyServer, cable: Cable
) -> Iterator[list[AuthorizerProcess]]:
    """Run three authorizers, the last one behind a cable."""
    urls = [valkey.url, valkey.url, f"redis://{LOOPBACK}:{cable.port}/0"]
    with ExitStack() as stack:
        nodes = [
            stack.enter_context(running(AuthorizerProcess(folder, url, node=f"revoker-{number}")))
            for number, url in enumerate(urls, start=1)
        ]
        for node in nodes:
            node.wait_until("serving")
        yield nodes


@pytest.mark.slow
@pytest.mark.parametrize("is_cut", [False, True])
def test_no_call_passes_a_second_after_the_revocation_was_proven(
    folder: Path, valkey: ValkeyServer, registry: Registry, *, is_cut: bool
) -> None:
    consumer = make_consumer()
    cable = Cable(valkey.port)
    with three_nodes(folder, valkey, cable) as nodes, Callers(nodes, consumer) as callers:
        registry.admit(consumer)
        began_at = time.monotonic()
        wait_for(
            lambda: len({node for node, _ in callers.allowed_since(began_at)}) == len(nodes),
            what="calls that pass everywhere",
        )
        if is_cut:
            cable.cut()
        registry.apply(delete_entry(KEY, consumer.digest))
        registry.wait_for_proof()  # what revoking waits for before it answers 200
        proven_at = time.monotonic()
        wait_for(
            lambda: all(callers.count_since(proven_at + BOUND_S)[node.node] > 10 for node in nodes),
            timeout_s=20,
            what="calls after the bound",
        )

    assert callers.allowed_since(proven_at + BOUND_S) == []
    if is_cut:
        # It did pass calls while its lease ran; the proof waited for that.
        cut_off = callers.answers[nodes[-1].node]
        assert cut_off[-1][1] == httpx.codes.SERVICE_UNAVAILABLE


def test_ten_thousand_keys_are_suspended_by_one_entry(
    authorizer: AuthorizerProcess, registry: Registry, valkey: ValkeyServer
) -> None:
    first = make_consumer()
    fields = {name: getattr(first.key_entry, name) for name in first.key_entry.__struct_fields__}
    same = {name: fields[name] for name in ("sub_id", "org_id", "workspace_id")}
    keys = [make_consumer(key_fields=same) for _ in range(MANY_KEYS)]
    for start in range(0, MANY_KEYS, 1_000):
        registry.apply(
            *(set_entry(key.digest, key.key_entry) for key in keys[start : start + 1_000])
        )
    registry.apply(set_entry(first.sub_id, first.subscription))
    registry.wait_for_proof()
    sample = keys[:: MANY_KEYS // 20]
    assert {authorizer.ask(key).status_code for key in sample} == {200}
    before = valkey.client.xlen(names.CHANGES)

    suspended: Subscription = make_consumer(state="suspended").subscription
    terms = {name: getattr(first.subscription, name) for name in suspended.__struct_fields__}
    registry.apply(set_entry(first.sub_id, Subscription(**{**terms, "state": "suspended"})))
    registry.wait_for_proof()

    assert valkey.client.xlen(names.CHANGES) == before + 1
    answers = [authorizer.ask(key) for key in sample]
    assert {(answer.status_code, answer.json()["reason"]) for answer in answers} == {
        (403, "suspended")
    }
