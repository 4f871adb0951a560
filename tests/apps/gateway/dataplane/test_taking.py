"""Calls of one key that come together are taken by one command, each as if it had come alone."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import pytest

from apps.gateway.authorizer.grants import Grant
from apps.gateway.authorizer.limits import Outcome
from apps.gateway.authorizer.taking import MAX_CALLS, Asked, TakeForm, Takes
from apps.gateway.entries import RateLimit, Tenant
from apps.gateway.store import names
from apps.gateway.store.functions import call_function
from tests.apps.gateway.dataplane.conftest import Registry
from tests.apps.gateway.dataplane.harness import Consumer, ValkeyServer, make_consumer

HOUR = RateLimit("hour", 3, 3600)
DAY = RateLimit("day", 100, 86_400)
ALLOWED, REPLAYED = Outcome.ALLOWED, Outcome.REPLAYED
RATE, QUOTA, COLD = Outcome.RATE_REFUSED, Outcome.QUOTA_REFUSED, Outcome.COLD


def ask(request_id: str = "", event_id: str = "event") -> Asked:
    return Asked(request_id or uuid.uuid4().hex, event_id, 1_700_000_000_000, lambda _reply: None)


def form_of(consumer: Consumer, tenant: Tenant | None = None) -> TakeForm:
    start = consumer.period_start if consumer.subscription.quota else None
    return Grant(consumer.key_entry, consumer.subscription, tenant).take_form(start)


def take(valkey: ValkeyServer, form: TakeForm, calls: Sequence[Asked]) -> list[Any]:
    return run(valkey, form.encode(calls))


def run(valkey: ValkeyServer, encoded: bytes) -> list[Any]:
    """Send an encoded command as it is."""
    words = encoded.split(b"\r\n", 1)[1]
    parts = []
    while words:
        length, _, rest = words[1:].partition(b"\r\n")
        parts.append(rest[: int(length)])
        words = rest[int(length) + 2 :]
    answer = valkey.client.execute_command(*parts)
    assert isinstance(answer, list)
    return answer


def codes(answer: list[Any]) -> list[int]:
    return [fields[0] for fields in answer]


def counted(registry: Registry, consumer: Consumer) -> int:
    known = registry.counters.read(org_id=consumer.org_id, sub_id=consumer.sub_id)
    return known[consumer.period_start]


def test_quota_of_three_lets_three_of_five_pass(valkey: ValkeyServer, registry: Registry) -> None:
    consumer = make_consumer(quota=3)
    registry.admit(consumer)

    answer = take(valkey, form_of(consumer), [ask() for _ in range(5)])

    assert codes(answer) == [ALLOWED, ALLOWED, ALLOWED, QUOTA, QUOTA]
    assert [fields[2] for fields in answer] == [1, 2, 3, 3, 3]
    assert counted(registry, consumer) == 3


def test_refused_call_of_a_batch_takes_nothing_from_the_other_limits(
    valkey: ValkeyServer, registry: Registry
) -> None:
    consumer = make_consumer(
        quota=100, limits=(DAY,), key_fields={"limits": (HOUR,)}, slug="several"
    )
    registry.admit(consumer)
    form = form_of(consumer, Tenant(limits=(RateLimit("tenant-day", 50, 86_400),)))

    answer = take(valkey, form, [ask() for _ in range(5)])

    assert codes(answer) == [ALLOWED, ALLOWED, ALLOWED, RATE, RATE]
    assert counted(registry, consumer) == 3
    # The key's window is the second one, and the only one that is full.
    assert [fields[3:5] for fields in answer] == [[2, 2], [2, 1], [2, 0], [2, 0], [2, 0]]


def test_request_that_comes_twice_in_one_command_is_taken_once(
    valkey: ValkeyServer, registry: Registry
) -> None:
    consumer = make_consumer(quota=10)
    registry.admit(consumer)
    form = form_of(consumer)

    first, again, other = take(
        valkey, form, [ask("same", "event-1"), ask("same", "event-2"), ask("other", "event-3")]
    )
    (later,) = take(valkey, form, [ask("other", "event-4")])

    assert codes([first, again, other, later]) == [ALLOWED, REPLAYED, ALLOWED, REPLAYED]
    assert again[6:] == [b"event-1", b"1700000000000"]
    assert later[6] == b"event-3"
    assert counted(registry, consumer) == 2


def test_replay_passes_when_the_limit_is_full_and_a_strangers_mark_is_none(
    valkey: ValkeyServer, registry: Registry
) -> None:
    consumer = make_consumer(quota=1)
    registry.admit(consumer)
    form = form_of(consumer)
    assert codes(take(valkey, form, [ask("first")])) == [ALLOWED]
    assert codes(take(valkey, form, [ask("second"), ask("first")])) == [QUOTA, REPLAYED]
    # A refused call left no mark.
    assert not valkey.client.exists(names.taken_call(consumer.org_id, "second"))

    unlimited = make_consumer()
    mark = names.taken_call(unlimited.org_id, "theirs")
    valkey.client.set(mark, "key_of_another event-0 1")
    assert codes(take(valkey, form_of(unlimited), [ask("theirs", "event-9")])) == [ALLOWED]
    stored = valkey.client.get(mark)
    assert stored == f"{unlimited.key_id} event-9 1700000000000".encode()


def test_absent_counter_is_cold_for_all_and_takes_nothing(valkey: ValkeyServer) -> None:
    consumer = make_consumer(quota=10)

    assert codes(take(valkey, form_of(consumer), [ask("a"), ask("b")])) == [COLD, COLD]
    assert not valkey.client.keys(f"lim:{{{consumer.org_id}}}*")


def test_peek_answers_alike_and_takes_nothing(valkey: ValkeyServer, registry: Registry) -> None:
    consumer = make_consumer(quota=2, limits=(DAY,))
    registry.admit(consumer)
    form = form_of(consumer)
    before = run(valkey, form.encode_peek(ask()))
    assert codes(before) == [ALLOWED]
    assert before[0][3:5] == [1, 100]
    assert codes(take(valkey, form, [ask(), ask()])) == [ALLOWED, ALLOWED]
    assert codes(run(valkey, form.encode_peek(ask()))) == [QUOTA]
    assert counted(registry, consumer) == 2


@pytest.mark.parametrize("function", ["tg1_take", "tg1_peek"])
def test_nodes_of_the_release_before_count_by_the_same_windows(
    valkey: ValkeyServer, registry: Registry, function: str
) -> None:
    consumer = make_consumer(quota=10, limits=(HOUR, DAY))
    registry.admit(consumer)
    keys = [
        names.taken_call(consumer.org_id, "older"),
        names.subscription_counters(consumer.org_id, consumer.sub_id),
    ]
    windows = [2, 3, 3_600_000, 100, 86_400_000]
    asked = [consumer.key_id, "event-1", 5, consumer.period_start, 10, "1", *windows]

    answer = call_function(valkey.client, function, keys, asked)

    is_taken = function == "tg1_take"
    assert answer[:5] == [ALLOWED, 0, b"event-1", b"5", int(is_taken)]
    assert answer[5:7] == [1, 2 if is_taken else 3]
    (mine,) = take(valkey, form_of(consumer), [ask("newer")])
    assert mine[2] == 1 + is_taken
    assert mine[3:5] == [1, 1 if is_taken else 2]
    if is_taken:
        replayed = call_function(valkey.client, function, keys, [*asked[:1], "event-2", *asked[2:]])
        assert replayed[:4] == [REPLAYED, 0, b"event-1", b"5"]


def test_one_command_holds_some_calls_of_one_key() -> None:
    takes = Takes()
    many, few = form_of(make_consumer(quota=1)), form_of(make_consumer())
    told: list[tuple[str, int]] = []
    for number in range(MAX_CALLS + 1):
        call = Asked(str(number), "event", 1, lambda reply: told.append(("many", reply)))
        takes.add(many, call)
    takes.add(few, Asked("few", "event", 1, lambda reply: told.append(("few", reply))))

    commands = takes.commands()

    assert [calls for _encoded, _done, calls in commands] == [MAX_CALLS, 1, 1]
    for _encoded, done, calls in commands:
        done(list(range(calls)))
    assert told == [*(("many", n) for n in range(MAX_CALLS)), ("many", 0), ("few", 0)]
