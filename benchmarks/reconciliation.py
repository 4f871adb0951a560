"""Reconciling 10 000 APIs, each with a subscription and a key, with drift in registry and database.

PostgreSQL, Valkey, relay and authorizer are this run's own and real.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from benchmarks.results import Measure
from benchmarks.stack import gateway_stack

if TYPE_CHECKING:
    from tests.apps.gateway.dataplane.harness import AuthorizerProcess

T = TypeVar("T")
APIS: Final = 10_000
DRIFT: Final = 300
LIMIT_S: Final = 30.0
PROOF_TIMEOUT_S: Final = 300.0


def measure() -> list[Measure]:
    """Fill, inject drift, reconcile, and wait until every authorizer has proven what was healed."""
    with gateway_stack() as authorizer:
        return _run(authorizer)


def _run(authorizer: AuthorizerProcess) -> list[Measure]:
    # Models can be imported only now.
    from apps.gateway.services import want_every_entry  # noqa: PLC0415 -- after django.setup()
    from benchmarks.many_apis import make_many_apis  # noqa: PLC0415 -- see above
    from tests.apps.gateway.dataplane.harness import wait_for  # noqa: PLC0415 -- see above

    make_many_apis(APIS)
    wanted, wanting_s = _timed(want_every_entry)
    _, arriving_s = _timed(lambda: wait_for(_is_proven, timeout_s=PROOF_TIMEOUT_S))
    entries = authorizer.health()["entries"]
    clean, clean_s = _timed(_reconcile)
    _inject_drift()
    healed, drifted_s = _timed(_reconcile)
    _, healing_s = _timed(lambda: wait_for(_is_proven, timeout_s=PROOF_TIMEOUT_S))
    after = _reconcile()
    found = (
        f"{healed.missing_count} missing, {healed.orphaned_count} orphaned, "
        f"{healed.different_count} different"
    )
    states = f"clean: {clean.status}, then {healed.status}, then {after.status}"
    return [
        Measure(f"wanting all entries of {APIS:,} APIs", wanting_s, "s", note=f"{wanted:,} wanted"),
        Measure(
            "from wanted to proven by an authorizer", arriving_s, "s", note=f"{entries:,} entries"
        ),
        Measure(f"reconciling {APIS:,} APIs, no drift", clean_s, "s", at_most=LIMIT_S),
        Measure(f"reconciling {APIS:,} APIs, drift", drifted_s, "s", at_most=LIMIT_S, note=found),
        Measure(
            "from the report to everything healed", healing_s, "s", at_most=LIMIT_S, note=states
        ),
    ]


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    started = time.perf_counter()
    return work(), time.perf_counter() - started


def _reconcile() -> Any:
    from apps.core.actors import Actor  # noqa: PLC0415 -- after django.setup()
    from apps.gateway.reconciliation import reconcile  # noqa: PLC0415 -- see above
    from apps.gateway.valkey import get_counters, get_writer  # noqa: PLC0415 -- see above

    return reconcile(writer=get_writer(), counters=get_counters(), actor=Actor.system("benchmark"))


def _is_proven() -> bool:
    from apps.gateway.enums import SyncState  # noqa: PLC0415 -- after django.setup()
    from apps.gateway.models import RegistryEntry  # noqa: PLC0415 -- see above

    return not RegistryEntry.objects.exclude(state=SyncState.PROVEN).exists()


def _inject_drift() -> None:
    """Delete routes, alter others and add strangers in Valkey, and forget entries in PostgreSQL."""
    from apps.gateway.models import RegistryEntry  # noqa: PLC0415 -- after django.setup()
    from apps.gateway.store import names  # noqa: PLC0415 -- see above
    from apps.gateway.valkey import get_client  # noqa: PLC0415 -- see above

    client = get_client()
    deleted = [f"route:bench-{number}" for number in range(1, DRIFT + 1)]
    altered = [f"route:bench-{number}" for number in range(DRIFT + 1, 2 * DRIFT + 1)]
    client.hdel(names.ENTRIES, *deleted)
    for field in altered:
        entry: Any = client.hget(names.ENTRIES, field)
        client.hset(names.ENTRIES, field, bytes(entry).replace(b'"host":"', b'"host":"other-'))
        client.hset(names.ENTRIES, f"{field}-stranger", entry)
    forgotten = RegistryEntry.objects.filter(kind="key").values("pk")[:DRIFT]
    RegistryEntry.objects.filter(pk__in=list(forgotten.values_list("pk", flat=True))).delete()
