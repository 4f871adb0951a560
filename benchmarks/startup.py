"""How long an authorizer takes from its start to its first decision with a large registry, and what it holds then.

One process, one Valkey on this machine; the registry is written before the clock starts.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Final

import msgspec

from apps.gateway.entries import Change, set_entry
from benchmarks.results import Measure
from tests.apps.gateway.dataplane.conftest import Registry
from tests.apps.gateway.dataplane.harness import (
    AuthorizerProcess,
    Consumer,
    ValkeyServer,
    make_consumer,
    make_route,
    running,
)

KEYS: Final = 100_000
KEYS_PER_SUBSCRIPTION: Final = 2
KEYS_PER_ROUTE: Final = 1_000
ROUNDS: Final = 3
SECONDS_AT_MOST: Final = 5.0
MEGABYTES_AT_MOST: Final = 300.0
READY_TIMEOUT_S: Final = 60.0
_MEGABYTE: Final = 1024 * 1024


def measure() -> list[Measure]:
    """Measure the start with 100,000 keys."""
    with tempfile.TemporaryDirectory(prefix="tollgate-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        valkey = stack.enter_context(running(ValkeyServer(folder / "valkey")))
        registry = Registry(valkey)
        consumer = make_consumer(quota=10)
        registry.writer.rebuild(
            [*_many_entries(consumer), make_route("weather", 8080), *consumer.changes],
            epoch=registry.epoch,
            version=registry.version + 1,
        )
        registry.version += 1
        registry.admit(consumer)
        starts = [_start(folder, valkey, consumer, number) for number in range(ROUNDS)]
    seconds, megabytes = (median(values) for values in zip(*starts, strict=True))
    note = f"median of {ROUNDS}"
    return [
        Measure("start with 100,000 keys", seconds, "s", note=note, at_most=SECONDS_AT_MOST),
        Measure("memory after it", megabytes, "MB", note=note, at_most=MEGABYTES_AT_MOST),
    ]


def _many_entries(pattern: Consumer) -> list[Change]:
    """Return keys with subscriptions and routes, all different."""
    changes = [make_route(f"api-{number}", 8080) for number in range(KEYS // KEYS_PER_ROUTE)]
    for number in range(KEYS // KEYS_PER_SUBSCRIPTION):
        sub_id, org_id, workspace_id = (f"{kind}_{number:026d}" for kind in ("sub", "org", "wsp"))
        subscription = msgspec.structs.replace(
            pattern.subscription, consumer_org_id=org_id, workspace_id=workspace_id
        )
        changes.append(set_entry(sub_id, subscription))
        for which in range(KEYS_PER_SUBSCRIPTION):
            key = msgspec.structs.replace(
                pattern.key_entry,
                key_id=f"key_{number:020d}{which:06d}",
                sub_id=sub_id,
                org_id=org_id,
                workspace_id=workspace_id,
            )
            changes.append(set_entry(f"{number:058x}{which:06x}", key))
    return changes


def _start(
    folder: Path, valkey: ValkeyServer, consumer: Consumer, number: int
) -> tuple[float, float]:
    """Return seconds until the first allowed call, and resident megabytes then."""
    authorizer = AuthorizerProcess(folder, valkey.url, node=f"starter-{number}")
    began_at = time.monotonic()
    with running(authorizer):
        authorizer.wait_until("serving", timeout_s=READY_TIMEOUT_S)
        answer = authorizer.ask(consumer)
        seconds = time.monotonic() - began_at
        if answer.headers.get("x-authz") != "allow":
            raise RuntimeError(f"the call was not allowed: {answer.text}")
        pages = int(Path(f"/proc/{authorizer.pid}/statm").read_text().split()[1])
        return seconds, pages * 4096 / _MEGABYTE
