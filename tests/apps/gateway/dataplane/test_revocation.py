"""A revoked key passes nowhere once its revocation is proven, whoever is cut off meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from apps.gateway.entries import KEY, Subscription, delete_entry, set_entry
from apps.gateway.store import names
from deploy.local.ports import LOOPBACK
from tests.apps.gateway.dataplane.callers import Cable, Callers
from tests.apps.gateway.dataplane.conftest import Registry
from tests.apps.gateway.dataplane.harness import (
    AuthorizerProcess,
    ValkeyServer,
    make_consumer,
    running,
    wait_for,
)

BOUND_S = 1.0
MANY_KEYS = 10_000


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
    with (
        three_nodes(folder, valkey, cable) as nodes,
        Callers(nodes, lambda node: node.ask(consumer).status_code) as callers,
    ):
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
