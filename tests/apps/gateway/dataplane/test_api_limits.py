"""An API's own limits hold for all consumers and all authorizers together."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from redis import Redis

from apps.gateway.entries import InvalidEntryError, RateLimit, Route, encode_entry, set_entry
from apps.gateway.store import names
from apps.gateway.store.functions import LIBRARY, call_function, function_names
from tests.apps.gateway.dataplane.conftest import Registry
from tests.apps.gateway.dataplane.harness import (
    AuthorizerProcess,
    Consumer,
    ValkeyServer,
    ask_headers,
    make_consumer,
    make_route,
    running,
    wait_for,
)

MINUTE_MS = 60_000


@pytest.fixture(scope="module")
def nodes(
    folder: Path, valkey: ValkeyServer, registry: Registry
) -> Iterator[list[AuthorizerProcess]]:
    first, second, third = (
        AuthorizerProcess(folder, valkey.url, node=f"node-{number}") for number in (1, 2, 3)
    )
    with running(first), running(second), running(third):
        for process in (first, second, third):
            process.wait_until("serving")
        yield [first, second, third]


def early_in_a_minute() -> None:
    """Wait until the cell has room for a test: counts of a cell that ends fade."""
    wait_for(
        lambda: 1_000 < int(time.time() * 1000) % MINUTE_MS < MINUTE_MS - 12_000,
        timeout_s=20,
        what="the beginning of a minute",
    )


def open_api(registry: Registry, port: int, *limits: RateLimit) -> str:
    """Publish an API of its own with limits; return its slug."""
    slug = f"api-{uuid.uuid4().hex[:8]}"
    registry.apply(make_route(slug, port, limits=limits))
    return slug


async def ask_many(
    authorizers: list[AuthorizerProcess], consumers: list[Consumer], calls: int
) -> Counter[str]:
    """Ask at once, in turn at each authorizer and for each consumer; count the answers by code."""
    codes: Counter[str] = Counter()
    limits = httpx.Limits(max_connections=30)
    async with httpx.AsyncClient(trust_env=False, limits=limits, timeout=20) as client:

        async def ask(number: int) -> None:
            port = authorizers[number % len(authorizers)].port
            consumer = consumers[number % len(consumers)]
            url = f"http://127.0.0.1:{port}/authz/caddy"
            answer = await client.get(url, headers=ask_headers(consumer))
            codes[answer.json()["code"] if answer.content else "allowed"] += 1

        await asyncio.gather(*(ask(number) for number in range(calls)))
    return codes


def test_three_nodes_share_a_limit_exactly(
    nodes: list[AuthorizerProcess], registry: Registry, upstream_port: int
) -> None:
    slug = open_api(registry, upstream_port, RateLimit("minute", 100, 60))
    consumers = [make_consumer(slug, quota=1_000) for _ in range(4)]
    registry.admit(*consumers)
    early_in_a_minute()

    codes = asyncio.run(ask_many(nodes, consumers, 330))

    assert codes == {"allowed": 100, "api_rate_limit_exceeded": 230}
    # A refused call took nothing from its consumer.
    assert sum(registry.used(consumer) for consumer in consumers) == 100


def test_refusal_says_when_and_costs_the_consumer_nothing(
    nodes: list[AuthorizerProcess], registry: Registry, upstream_port: int
) -> None:
    slug = open_api(registry, upstream_port, RateLimit("minute", 2, 60))
    consumer = make_consumer(slug, limits=(RateLimit("hour", 10, 3600),), quota=10)
    registry.admit(consumer)
    early_in_a_minute()

    answers = [nodes[0].ask(consumer) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [200, 200, 429, 429, 429]
    assert answers[-1].json()["code"] == "api_rate_limit_exceeded"
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 120
    assert registry.used(consumer) == 2
    registry.apply(make_route(slug, upstream_port))
    registry.wait_for_proof()
    # Without the limit: this call is the third, not the sixth.
    assert nodes[0].ask(consumer).headers["x-ratelimit-remaining"] == "7"


def test_call_that_its_consumer_may_not_make_takes_nothing_from_the_api(
    nodes: list[AuthorizerProcess], registry: Registry, upstream_port: int
) -> None:
    slug = open_api(
        registry, upstream_port, RateLimit("minute", 5, 60), RateLimit("hour", 50, 3600)
    )
    greedy, modest = make_consumer(slug, quota=1), make_consumer(slug)
    registry.admit(greedy, modest)
    early_in_a_minute()

    codes = asyncio.run(ask_many(nodes, [greedy], 60))
    assert codes["allowed"] == 1
    assert codes["quota_exceeded"] + codes["api_rate_limit_exceeded"] == 59
    # What idle nodes held is given back within two seconds.
    passed = 0
    deadline = time.monotonic() + 8
    while passed < 4 and time.monotonic() < deadline:
        passed += nodes[0].ask(modest).status_code == 200
    assert passed == 4
    assert nodes[0].ask(modest).status_code == 429


def test_call_that_is_asked_again_takes_one_share(
    nodes: list[AuthorizerProcess], registry: Registry, upstream_port: int
) -> None:
    slug = open_api(registry, upstream_port, RateLimit("minute", 2, 60))
    consumer = make_consumer(slug)
    registry.admit(consumer)
    early_in_a_minute()

    for _ in range(4):
        assert nodes[0].ask(consumer, x_tollgate_request_id="again").status_code == 200

    assert [nodes[0].ask(consumer).status_code for _ in range(2)] == [200, 429]


def test_limit_per_second_goes_on_with_the_next_second(
    nodes: list[AuthorizerProcess], registry: Registry, upstream_port: int
) -> None:
    slug = open_api(registry, upstream_port, RateLimit("second", 10, 1))
    consumer = make_consumer(slug)
    registry.admit(consumer)
    allowed: list[float] = []
    deadline = time.monotonic() + 4.0
    while time.monotonic() < deadline:
        answers = [node.ask(consumer) for node in nodes]
        allowed += [time.monotonic() for answer in answers if answer.status_code == 200]

    # Never a double burst at a boundary; what three nodes hold in slices of one call may stay unspent.
    busiest = max(sum(1 for other in allowed if 0 <= other - first < 1.0) for first in allowed)
    assert busiest < 20
    assert 20 <= len(allowed) <= 50


def test_without_the_store_the_slice_at_hand_is_spent_and_no_more(
    folder: Path, upstream_port: int
) -> None:
    valkey = ValkeyServer(folder / "lost")
    with running(valkey):
        registry = Registry(valkey)
        slug = open_api(registry, upstream_port, RateLimit("day", 2_000, 86_400))
        consumer = make_consumer(slug)
        node = AuthorizerProcess(folder, valkey.url, node="cut-off")
        with running(node):
            node.wait_until("serving")
            registry.admit(consumer)
            assert node.ask(consumer).status_code == 200
            valkey.kill()
            codes = Counter(
                answer.json()["code"] if answer.content else "allowed"
                for answer in (node.ask(consumer) for _ in range(150))
            )
            valkey.start()

    # A slice is a twentieth; then nothing is known any more.
    assert codes["allowed"] <= 99
    assert codes["store_unavailable"] > 0
    assert set(codes) <= {"allowed", "store_unavailable", "registry_unconfirmed"}


def lease(client: Redis, api_id: str, wanted: int, returned: int = 0, cell: str = "") -> list[int]:
    """Lease from a limit of 10 a minute, as a node does."""
    arguments = [wanted, returned, 10, MINUTE_MS, cell]
    return list(call_function(client, "tg1_lease", [names.api_windows(api_id)], arguments))


def test_slices_never_exceed_the_limit_and_what_is_given_back_can_be_had_again(
    valkey: ValkeyServer,
) -> None:
    client, api_id = valkey.client, f"api_{uuid.uuid4().hex}"
    early_in_a_minute()

    first, second, third = (lease(client, api_id, 4) for _ in range(3))
    assert [first[0], second[0], third[0]] == [4, 4, 2]
    assert (first[1], second[1]) == (0, 0)
    assert 0 < third[1] <= 2 * MINUTE_MS
    assert 0 < third[2] <= MINUTE_MS
    assert lease(client, api_id, 1)[0] == 0
    assert lease(client, api_id, 5, returned=3, cell=str(first[3]))[0] == 3
    # Of another time, nothing can be given back.
    assert lease(client, api_id, 5, returned=3, cell=str(first[3] - 7))[0] == 0


def test_node_loads_the_functions_that_an_older_release_did_not_have(
    folder: Path, upstream_port: int
) -> None:
    valkey = ValkeyServer(folder / "older")
    with running(valkey):
        registry = Registry(valkey)
        source = "#!lua name=tollgate_v1\n" + "".join(
            f"redis.register_function('{name}', function() return {{'', ''}} end)\n"
            for name in sorted(function_names() - {"tg1_lease"})
        )
        valkey.client.function_load(source, replace=True)
        slug = open_api_by_hand(valkey, registry, upstream_port)
        node = AuthorizerProcess(folder, valkey.url, node="newer")
        with running(node):
            node.wait_until("serving")
            assert "tg1_lease" in str(valkey.client.function_list(LIBRARY))
            assert node.ask(None, x_tollgate_slug=slug).json()["code"] == "credential_missing"


def open_api_by_hand(valkey: ValkeyServer, registry: Registry, port: int) -> str:
    """Put a route into the registry past the functions."""
    change = make_route("by-hand", port, limits=(RateLimit("minute", 5, 60),))
    assert isinstance(change.entry, Route)
    valkey.client.hset(names.ENTRIES, change.field, encode_entry(change.entry).decode())
    return "by-hand"


@pytest.mark.parametrize(
    "limits",
    [
        (RateLimit("a", -1, 60),),
        (RateLimit("a", 1, 0),),
        (RateLimit("a", 1, 60), RateLimit("b", 2, 60)),
    ],
)
def test_limits_of_a_route_that_no_node_could_keep_are_refused(
    limits: tuple[RateLimit, ...],
) -> None:
    with pytest.raises(InvalidEntryError, match="limits"):
        set_entry("x", Route("api_x", "org_x", "host", 443, limits=limits))
