"""Limits are exact under concurrency, all or nothing, and idempotent per request id."""

from __future__ import annotations

import asyncio
import dataclasses
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from apps.gateway.entries import (
    EVERY_TENANT,
    TENANT,
    Period,
    Quota,
    RateLimit,
    Tenant,
    delete_entry,
    set_entry,
)
from tests.apps.gateway.dataplane.conftest import Registry
from tests.apps.gateway.dataplane.harness import (
    DAY_MS,
    AuthorizerProcess,
    Consumer,
    ValkeyServer,
    ask_headers,
    make_consumer,
    running,
)


@pytest.fixture(scope="module")
def second_authorizer(
    folder: Path, valkey: ValkeyServer, registry: Registry
) -> Iterator[AuthorizerProcess]:
    process = AuthorizerProcess(folder, valkey.url, node="node-2")
    with running(process):
        process.wait_until("serving")
        yield process


async def ask_many(
    authorizers: list[AuthorizerProcess], consumer: Consumer, calls: int, connections: int
) -> Counter[str]:
    """Ask at once over many connections, in turn at each authorizer; count the answers by code."""
    codes: Counter[str] = Counter()
    limits = httpx.Limits(max_connections=connections)
    async with httpx.AsyncClient(trust_env=False, limits=limits, timeout=20) as client:

        async def ask(number: int) -> None:
            port = authorizers[number % len(authorizers)].port
            url = f"http://127.0.0.1:{port}/authz/caddy"
            answer = await client.get(url, headers=ask_headers(consumer))
            codes[answer.json()["code"] if answer.content else "allowed"] += 1

        await asyncio.gather(*(ask(number) for number in range(calls)))
    return codes


def test_hard_quota_is_exact_under_concurrency_across_authorizers(
    authorizer: AuthorizerProcess, second_authorizer: AuthorizerProcess, registry: Registry
) -> None:
    consumer = make_consumer(quota=100)
    registry.admit(consumer)

    codes = asyncio.run(ask_many([authorizer, second_authorizer], consumer, 200, 20))

    assert codes == {"allowed": 100, "quota_exceeded": 100}
    assert registry.used(consumer) == 100


def test_call_refused_by_one_limit_takes_nothing_from_the_others(
    authorizer: AuthorizerProcess, registry: Registry
) -> None:
    consumer = make_consumer(
        limits=(RateLimit("hour", 1_000, 3600),),
        quota=200,
        key_fields={"limits": (RateLimit("minute", 12, 60),)},
    )
    registry.admit(consumer)

    codes = asyncio.run(ask_many([authorizer], consumer, 40, 20))
    last = authorizer.ask(consumer)

    assert codes == {"allowed": 12, "rate_limit_exceeded": 28}
    assert registry.used(consumer) == 12
    assert last.headers["x-quota-remaining"] == "188"
    # The hour's window was not touched by the refused ones: its thirteenth call is the next.
    registry.apply(
        set_entry(
            consumer.digest,
            make_consumer(
                key_fields={
                    "key_id": consumer.key_id,
                    "sub_id": consumer.sub_id,
                    "org_id": consumer.org_id,
                    "workspace_id": consumer.subscription.workspace_id,
                }
            ).key_entry,
        )
    )
    registry.wait_for_proof()
    assert authorizer.ask(consumer).headers["x-ratelimit-remaining"] == "987"


def test_sibling_key_and_other_tenant_are_unaffected(
    authorizer: AuthorizerProcess, registry: Registry
) -> None:
    limited = make_consumer()
    registry.admit(limited)
    registry.apply(set_entry(limited.org_id, Tenant(limits=(RateLimit("tenant", 5, 60),))))
    other = make_consumer()
    registry.admit(other)

    codes = [authorizer.ask(limited).status_code for _ in range(6)]

    assert codes == [200] * 5 + [429]
    assert authorizer.ask(other).status_code == 200


def test_same_request_id_takes_once_and_keeps_the_first_event(
    authorizer: AuthorizerProcess, second_authorizer: AuthorizerProcess, registry: Registry
) -> None:
    consumer, other = make_consumer(quota=10), make_consumer(quota=10)
    registry.admit(consumer, other)
    request_id = str(uuid.uuid4())

    for asked in (authorizer, authorizer, second_authorizer):
        assert asked.ask(consumer, x_tollgate_request_id=request_id).status_code == 200
    # Bound to its key: another key with the same id is another call.
    assert authorizer.ask(other, x_tollgate_request_id=request_id).status_code == 200

    assert (registry.used(consumer), registry.used(other)) == (1, 1)
    lines = [
        line
        for line in authorizer.journal_lines()
        if line["request_id"] == request_id and line["key_id"] == consumer.key_id
    ]
    assert len(lines) >= 2
    assert len({(line["event_id"], line["decided_at"]) for line in lines}) == 1


def test_soft_quota_lets_calls_pass_and_counts_them(
    authorizer: AuthorizerProcess, registry: Registry
) -> None:
    consumer = make_consumer(quota=2, hard=False)
    registry.admit(consumer)

    answers = [authorizer.ask(consumer) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200] * 4
    assert answers[-1].headers["x-quota-remaining"] == "0"
    assert registry.used(consumer) == 4


def with_quota(consumer: Consumer, **fields: Any) -> Consumer:
    """Return the consumer with other terms of their quota."""
    assert consumer.subscription.quota is not None
    quota = msgspec.structs.replace(consumer.subscription.quota, **fields)
    subscription = msgspec.structs.replace(consumer.subscription, quota=quota)
    return dataclasses.replace(consumer, subscription=subscription)


def test_spend_cap_stops_calls_that_a_soft_quota_lets_pass(
    authorizer: AuthorizerProcess, second_authorizer: AuthorizerProcess, registry: Registry
) -> None:
    consumer = with_quota(make_consumer(quota=10, hard=False), spend_calls=25)
    registry.admit(consumer)

    codes = asyncio.run(ask_many([authorizer, second_authorizer], consumer, 60, 20))
    refused = authorizer.ask(consumer)

    assert codes == {"allowed": 25, "spend_cap_reached": 35}
    assert registry.used(consumer) == 25
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == refused.headers["x-quota-reset"]
    # A higher cap lets calls pass at once; none at all as well.
    for spend_calls, expected in ((27, [200, 200, 429]), (None, [200, 200, 200])):
        registry.apply(*with_quota(consumer, spend_calls=spend_calls).changes)
        registry.wait_for_proof()
        assert [authorizer.ask(consumer).status_code for _ in range(3)] == expected


@pytest.mark.parametrize(
    ("quota", "spend_calls", "code"),
    [
        (3, 2, "spend_cap_reached"),
        (2, 2, "quota_exceeded"),
        (2, 3, "quota_exceeded"),
        (None, 2, "spend_cap_reached"),
    ],
)
def test_smaller_one_of_quota_and_cap_refuses(
    authorizer: AuthorizerProcess,
    registry: Registry,
    quota: int | None,
    spend_calls: int,
    code: str,
) -> None:
    consumer = with_quota(make_consumer(quota=1), limit=quota, spend_calls=spend_calls)
    registry.admit(consumer)

    answers = [authorizer.ask(consumer) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1].json()["code"] == code
    assert registry.used(consumer) == 2


def test_spend_cap_without_a_counter_is_cold(
    authorizer: AuthorizerProcess, registry: Registry
) -> None:
    consumer = with_quota(make_consumer(quota=1), limit=None, spend_calls=5)
    registry.apply(*consumer.changes)
    registry.wait_for_proof()

    assert authorizer.ask(consumer).json()["code"] == "store_cold"


def test_used_is_stored_and_remaining_follows_the_live_plan(
    authorizer: AuthorizerProcess, registry: Registry
) -> None:
    consumer = make_consumer(quota=5_000_000)
    registry.admit(consumer, used=7)
    authorizer.ask(consumer)
    assert consumer.subscription.quota is not None
    smaller = Quota(10, True, consumer.subscription.quota.periods)  # noqa: FBT003 -- field order
    fields = {
        name: getattr(consumer.subscription, name)
        for name in consumer.subscription.__struct_fields__
    }
    registry.apply(
        set_entry(consumer.sub_id, type(consumer.subscription)(**{**fields, "quota": smaller}))
    )
    registry.wait_for_proof()

    answers = [authorizer.ask(consumer) for _ in range(3)]

    assert [answer.headers["x-quota-remaining"] for answer in answers] == ["1", "0", "0"]
    assert [answer.status_code for answer in answers] == [200, 200, 429]


def test_absent_counter_is_cold_never_a_fresh_quota(
    authorizer: AuthorizerProcess, registry: Registry
) -> None:
    consumer = make_consumer(quota=100)
    registry.apply(*consumer.changes)
    registry.wait_for_proof()

    cold = authorizer.ask(consumer)
    registry.counters.ensure_counter(
        org_id=consumer.org_id,
        sub_id=consumer.sub_id,
        period_start=consumer.period_start,
        used=99,
    )

    assert (cold.status_code, cold.json()["code"]) == (503, "store_cold")
    assert [authorizer.ask(consumer).status_code for _ in range(2)] == [200, 429]


def test_quota_without_a_current_period_is_cold(
    authorizer: AuthorizerProcess, registry: Registry
) -> None:
    consumer = make_consumer(quota=100)
    past = Period(0, DAY_MS)
    fields = {
        name: getattr(consumer.subscription, name)
        for name in consumer.subscription.__struct_fields__
    }
    fields["quota"] = Quota(100, True, (past,))  # noqa: FBT003 -- field order
    registry.apply(
        set_entry(consumer.digest, consumer.key_entry),
        set_entry(consumer.sub_id, type(consumer.subscription)(**fields)),
    )
    registry.wait_for_proof()

    assert authorizer.ask(consumer).json()["code"] == "store_cold"


def test_next_period_counts_separately_in_business_time(
    authorizer: AuthorizerProcess, registry: Registry
) -> None:
    now = int(time.time() * 1000)
    periods = (Period(now - DAY_MS, now + DAY_MS), Period(now + DAY_MS, now + 30 * DAY_MS))
    consumer = make_consumer(quota=1)
    fields = {
        name: getattr(consumer.subscription, name)
        for name in consumer.subscription.__struct_fields__
    }
    for offset_days, expected in ((0, [200, 429]), (2, [200, 429])):
        fields["quota"] = Quota(1, True, periods)  # noqa: FBT003 -- field order
        fields["clock_offset_ms"] = offset_days * DAY_MS
        for period in periods:
            registry.counters.ensure_counter(
                org_id=consumer.org_id, sub_id=consumer.sub_id, period_start=period.start, used=0
            )
        registry.apply(
            set_entry(consumer.digest, consumer.key_entry),
            set_entry(consumer.sub_id, type(consumer.subscription)(**fields)),
        )
        registry.wait_for_proof()
        assert [authorizer.ask(consumer).status_code for _ in range(2)] == expected


def test_window_slides(authorizer: AuthorizerProcess, registry: Registry) -> None:
    consumer = make_consumer(limits=(RateLimit("burst", 5, 1),))
    registry.admit(consumer)
    allowed: list[float] = []
    deadline = time.monotonic() + 4.0
    while time.monotonic() < deadline:
        if authorizer.ask(consumer).status_code == 200:
            allowed.append(time.monotonic())

    # Over four windows at full pressure: about five a window, never a double burst at a boundary.
    assert 16 <= len(allowed) <= 26
    busiest = max(sum(1 for other in allowed if 0 <= other - first < 1.0) for first in allowed)
    assert busiest <= 8


def test_counter_store_adjusts_and_gives_back_once(registry: Registry) -> None:
    consumer = make_consumer(quota=10)
    names: dict[str, Any] = {"org_id": consumer.org_id, "sub_id": consumer.sub_id}
    period: dict[str, Any] = {"period_start": consumer.period_start}
    store = registry.counters

    assert store.ensure_counter(**names, **period, used=5) == 5
    assert store.ensure_counter(**names, **period, used=0) == 5
    assert store.adjust(**names, **period, delta=3) == 8
    assert store.adjust(**names, **period, delta=-100) == 0
    store.adjust(**names, **period, delta=2)
    assert store.give_back(**names, **period, event_id="e1") == 1
    assert store.give_back(**names, **period, event_id="e1") == 1
    assert store.read(**names) == {consumer.period_start: 1}
    store.drop(**names)
    assert store.read(**names) == {}


def test_limit_for_everybody_is_one_entry_and_an_own_one_replaces_it(
    authorizer: AuthorizerProcess, registry: Registry
) -> None:
    one, other, special = make_consumer(), make_consumer(), make_consumer()
    registry.apply(set_entry(EVERY_TENANT, Tenant(limits=(RateLimit("tenant-minute", 2, 60),))))
    registry.apply(set_entry(special.org_id, Tenant(limits=(RateLimit("throttle-minute", 1, 60),))))
    registry.admit(one, other, special)

    codes = {
        consumer.org_id: [authorizer.ask(consumer).status_code for _ in range(3)]
        for consumer in (one, other, special)
    }
    refused = authorizer.ask(special)
    registry.apply(delete_entry(TENANT, EVERY_TENANT))
    registry.wait_for_proof()

    assert codes[one.org_id] == codes[other.org_id] == [200, 200, 429]
    assert codes[special.org_id] == [200, 429, 429]
    assert refused.json()["policy"] == "throttle-minute"
    assert authorizer.ask(one).status_code == 200
