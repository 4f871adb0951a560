"""Every event is counted once, in the right window, whatever is sent twice or cannot be placed."""

from __future__ import annotations

import gzip
import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from apps.core import clock
from apps.core.clock import Period
from apps.core.ids import format_public_id, uuid7
from apps.core.models import DeadLetter, OutboxMessage
from apps.subscriptions.models import Subscription
from apps.usage.enums import BatchStatus, LateResolution, WindowStatus
from apps.usage.exceptions import UsageNotComplete
from apps.usage.ingestion import accept_batch
from apps.usage.models import LateEvent, ShipperState, UsageBatch, UsageEvent, UsageWindow
from apps.usage.processing import process_next_batch
from apps.usage.services import close_usage
from tests.factories.accounts import OrganizationFactory
from tests.factories.direct import make_subscription_row
from tests.factories.keys import make_key
from tests.factories.usage import PLATFORM, make_event

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def send(*events: dict[str, Any], key: str = "") -> UsageBatch:
    body = json.dumps({"events": list(events)}).encode()
    receipt = accept_batch(body=body, batch_key=key, actor=PLATFORM)
    return next(batch for batch in UsageBatch.objects.all() if batch.public_id == receipt.batch_id)


def send_and_process(*events: dict[str, Any]) -> UsageBatch:
    batch = send(*events)
    assert process_next_batch()
    batch.refresh_from_db()
    return batch


def hours_of(subscription: Subscription) -> dict[datetime, tuple[int, int, int]]:
    windows = UsageWindow.objects.filter(subscription=subscription)
    return {
        window.window_start: (int(window.quantity), window.event_count, window.error_count)
        for window in windows
    }


def test_events_fill_their_windows() -> None:
    subscription = make_subscription_row()
    nine = datetime(2026, 3, 1, 9, tzinfo=UTC)
    times = [nine, nine + timedelta(minutes=59, seconds=59), nine + HOUR]

    batch = send_and_process(*(make_event(subscription, occurred_at=at) for at in times))

    assert hours_of(subscription) == {nine: (2, 2, 0), nine + HOUR: (1, 1, 0)}
    assert batch.status == BatchStatus.PROCESSED
    assert batch.outcome["counted"] == 3
    assert UsageEvent.objects.count() == 3


def test_only_the_good_events_of_a_compressed_batch_are_counted() -> None:
    subscription = make_subscription_row()
    unreadable = make_event(subscription, status="ok")
    good = [make_event(subscription) for _number in range(2)]
    body = json.dumps({"events": [good[0], unreadable, good[1]]}).encode()

    accept_batch(body=body, batch_key="", actor=PLATFORM, packed=gzip.compress(body))
    assert process_next_batch()

    stored = {str(event_id) for event_id in UsageEvent.objects.values_list("event_id", flat=True)}
    assert stored == {event["id"] for event in good}


def test_compressed_batch_is_processed_as_it_came() -> None:
    event = make_event(make_subscription_row(), path="/städte/?q=1", properties={"size": [1, None]})
    body = json.dumps({"events": [event]}).encode()

    accept_batch(body=body, batch_key="", actor=PLATFORM, packed=gzip.compress(body) + b"rest")
    assert process_next_batch()

    row = UsageEvent.objects.get()
    assert (row.path, row.properties) == ("/städte/?q=1", {"size": [1, None]})
    assert (row.method, row.status, row.outcome, row.is_billable) == ("GET", 200, "completed", True)
    assert (row.latency_ms, row.upstream_latency_ms) == (12, 10)
    assert (row.request_bytes, row.response_bytes) == (0, 320)
    assert (row.request_id, row.source) == (event["request_id"], "gateway")
    assert format_public_id("api", row.api_id) == event["api_id"]


def test_number_that_fits_no_column_is_isolated() -> None:
    subscription = make_subscription_row()
    batch = send(make_event(subscription, latency_ms=1e300), make_event(subscription))

    for _attempt in range(4):
        UsageBatch.objects.update(available_at=clock.now())
        assert process_next_batch()

    batch.refresh_from_db()
    assert (batch.outcome["counted"], len(batch.outcome["unplaced"])) == (1, 1)


def test_only_completed_2xx_calls_are_billed_and_the_rest_gives_quota_back() -> None:
    subscription = make_subscription_row()
    at = datetime(2026, 3, 1, 9, tzinfo=UTC)
    unconfirmed = {"outcome": "unconfirmed", "status": None, "latency_ms": None}

    batch = send_and_process(
        make_event(subscription, occurred_at=at, status=201),
        make_event(subscription, occurred_at=at, status=404),
        make_event(subscription, occurred_at=at, status=503),
        make_event(subscription, occurred_at=at, **unconfirmed),
    )

    assert hours_of(subscription) == {at: (1, 4, 2)}
    assert (batch.outcome["counted"], batch.outcome["unbillable"]) == (1, 3)
    message = OutboxMessage.objects.get(topic="usage.give_back")
    assert message.payload["subscription_id"] == str(subscription.pk)
    assert len(message.payload["calls"]) == 3


def test_same_event_in_two_batches_is_counted_once() -> None:
    subscription = make_subscription_row()
    event = make_event(subscription)

    send_and_process(event)
    again = send_and_process(event, make_event(subscription))

    assert sum(quantity for quantity, _all, _bad in hours_of(subscription).values()) == 2
    assert (again.outcome["duplicates"], again.outcome["counted"]) == (1, 1)


def test_same_id_twice_in_one_batch_is_counted_once() -> None:
    event = make_event(make_subscription_row())

    batch = send_and_process(event, event)

    assert (batch.outcome["counted"], batch.outcome["duplicates"]) == (1, 1)


def test_same_id_with_another_body_is_a_conflict_that_is_kept() -> None:
    subscription = make_subscription_row()
    event = make_event(subscription)
    send_and_process(event)

    batch = send_and_process({**event, "status": 500})

    assert batch.outcome["conflicts"] == [event["id"]]
    assert DeadLetter.objects.get(source="usage.conflict").reference == event["id"]
    assert UsageEvent.objects.get().status == 200


def test_call_of_an_unknown_subscription_becomes_a_dead_letter() -> None:
    subscription = make_subscription_row()
    stranger = make_event(subscription, subscription_id=format_public_id("sub", uuid7()))

    batch = send_and_process(stranger, make_event(subscription))

    assert batch.outcome["unplaced"] == [stranger["id"]]
    assert batch.outcome["counted"] == 1
    letter = DeadLetter.objects.get(source="usage.event")
    assert json.loads(letter.payload["raw"])["id"] == stranger["id"]


def test_test_clock_moves_the_event() -> None:
    sandbox = OrganizationFactory(is_sandbox=True, clock_offset=timedelta(days=31))
    subscription = make_subscription_row(consumer=sandbox)
    at = datetime(2026, 3, 1, 9, tzinfo=UTC)

    send_and_process(make_event(subscription, occurred_at=at))

    assert hours_of(subscription) == {at + timedelta(days=31): (1, 1, 0)}
    event = UsageEvent.objects.get()
    assert (event.occurred_at, event.decided_at) == (at + timedelta(days=31), at)


def test_call_decided_before_the_test_clock_moved_keeps_its_time() -> None:
    sandbox = OrganizationFactory(is_sandbox=True, clock_offset=timedelta(days=31))
    subscription = make_subscription_row(consumer=sandbox)
    at = datetime(2026, 3, 1, 9, tzinfo=UTC)

    send_and_process(
        make_event(subscription, occurred_at=at, clock_offset_ms=0),
        make_event(subscription, occurred_at=at, clock_offset_ms=86_400_000),
    )

    assert hours_of(subscription) == {at: (1, 1, 0), at + timedelta(days=1): (1, 1, 0)}


def test_provider_cannot_move_the_clock() -> None:
    subscription = make_subscription_row()
    at = clock.now()
    event = make_event(subscription, occurred_at=at, source="own", clock_offset_ms=86_400_000)
    body = json.dumps({"events": [event]}).encode()

    accept_batch(
        body=body,
        batch_key="",
        actor=replace(PLATFORM, organization_id=subscription.provider_organization_id),
    )
    assert process_next_batch()

    assert UsageEvent.objects.get().occurred_at == at


def test_time_that_no_calendar_holds_is_isolated() -> None:
    subscription = make_subscription_row()
    end_of_time = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    poison = make_event(subscription, occurred_at=end_of_time, clock_offset_ms=86_400_000)
    batch = send(poison, make_event(subscription))

    for _attempt in range(4):
        UsageBatch.objects.update(available_at=clock.now())
        assert process_next_batch()

    batch.refresh_from_db()
    assert (batch.outcome["counted"], batch.outcome["unplaced"]) == (1, [poison["id"]])


def test_nul_and_long_paths_are_stored() -> None:
    subscription = make_subscription_row()

    send_and_process(make_event(subscription, path="/a\0b" + "x" * 500))

    assert len(UsageEvent.objects.get().path) == 300


def test_poisoned_event_is_isolated_and_the_rest_is_counted() -> None:
    subscription = make_subscription_row()
    poison = make_event(subscription, properties={"text": "\0"})  # jsonb refuses NUL
    batch = send(poison, make_event(subscription))

    for _attempt in range(3):
        assert process_next_batch()
        batch.refresh_from_db()
        assert batch.status == BatchStatus.PENDING
        assert not UsageEvent.objects.exists()
        UsageBatch.objects.update(available_at=clock.now())
    assert batch.attempts == 3
    assert process_next_batch()

    batch.refresh_from_db()
    assert batch.status == BatchStatus.PROCESSED
    assert batch.outcome["unplaced"] == [poison["id"]]
    assert batch.outcome["counted"] == 1
    assert DeadLetter.objects.get().reference == poison["id"]


def test_failed_batch_waits_with_doubling_backoff() -> None:
    batch = send(make_event(make_subscription_row(), properties={"text": "\0"}))
    waits = []
    for _attempt in range(2):
        UsageBatch.objects.update(available_at=clock.now())
        process_next_batch()
        batch.refresh_from_db()
        waits.append((batch.available_at - clock.now()).total_seconds())
    assert not process_next_batch()  # not due yet
    assert 0.5 < waits[0] < 1.2
    assert 1.5 < waits[1] < 2.3


def closing_period(at: datetime) -> Period:
    return Period(at.replace(day=1, hour=0), at.replace(month=at.month + 1, day=1, hour=0))


def test_event_behind_the_cutoff_is_late_and_changes_no_window() -> None:
    subscription = make_subscription_row()
    at = datetime(2026, 3, 5, 9, tzinfo=UTC)
    send_and_process(make_event(subscription, occurred_at=at))
    closed = close_usage(
        subscription=subscription, period=closing_period(at), complete_after=clock.now()
    )

    batch = send_and_process(
        make_event(subscription, occurred_at=at),
        make_event(subscription, occurred_at=at + HOUR),
        make_event(subscription, occurred_at=datetime(2026, 4, 1, tzinfo=UTC)),
    )

    assert closed.quantities == {"calls": 1}
    assert batch.outcome["late"] == 2
    assert LateEvent.objects.filter(resolution=LateResolution.OPEN).count() == 2
    assert hours_of(subscription) == {
        at: (1, 1, 0),
        datetime(2026, 4, 1, tzinfo=UTC): (1, 1, 0),
    }
    assert UsageWindow.objects.get(window_start=at).status == WindowStatus.CLOSED


def test_closing_again_returns_the_same_windows() -> None:
    subscription = make_subscription_row()
    at = datetime(2026, 3, 5, 9, tzinfo=UTC)
    send_and_process(make_event(subscription, occurred_at=at))
    period = closing_period(at)

    first = close_usage(subscription=subscription, period=period, complete_after=clock.now())
    second = close_usage(subscription=subscription, period=period, complete_after=clock.now())

    assert first == second


@pytest.mark.parametrize("hindrance", ["inbox", "shipper"])
def test_closing_waits_for_inbox_and_shippers(hindrance: str) -> None:
    subscription = make_subscription_row()
    at = datetime(2026, 3, 5, 9, tzinfo=UTC)
    if hindrance == "inbox":
        send(make_event(subscription, occurred_at=at))
    else:
        ShipperState.objects.create(node="1", oldest_unshipped_at=at, reported_at=clock.now())

    with pytest.raises(UsageNotComplete):
        close_usage(subscription=subscription, period=closing_period(at), complete_after=at + HOUR)


@pytest.mark.django_db(transaction=True)
def test_parallel_processors_count_each_event_once() -> None:
    subscription = make_subscription_row()
    at = datetime(2026, 3, 1, 9, tzinfo=UTC)
    shared = [make_event(subscription, occurred_at=at) for _number in range(50)]
    for number in range(8):
        own = [make_event(subscription, occurred_at=at + HOUR * number) for _n in range(20)]
        send(*shared, *own)

    def work() -> None:
        while process_next_batch():
            pass
        connection.close()

    threads = [threading.Thread(target=work) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert not UsageBatch.objects.exclude(status=BatchStatus.PROCESSED).exists()
    total = sum(quantity for quantity, _all, _bad in hours_of(subscription).values())
    assert total == UsageEvent.objects.count() == 50 + 8 * 20


@pytest.mark.django_db(transaction=True)
def test_key_shows_when_it_was_last_used() -> None:
    key = make_key().key
    subscription = key.subscription
    at = datetime(2026, 3, 1, 9, tzinfo=UTC)

    send_and_process(
        make_event(subscription, occurred_at=at, key_id=key.public_id),
        make_event(subscription, occurred_at=at + HOUR, key_id=key.public_id),
    )

    key.refresh_from_db()
    assert key.last_used_at == at + HOUR


@pytest.mark.parametrize(("is_ours", "address"), [(True, "192.0.2.7"), (False, None)])
@pytest.mark.django_db(transaction=True)
def test_key_shows_where_it_was_last_used_by_the_word_of_our_gateway(
    *, is_ours: bool, address: str | None
) -> None:
    """A provider who sends events of their own meter cannot write addresses onto keys."""
    key = make_key().key
    event = make_event(key.subscription, key_id=key.public_id)
    report = {
        "node": "gateway-1",
        "oldest_unshipped_at": "2026-03-01T09:00:00Z",
        "key_addresses": {key.public_id: "192.0.2.7"},
    }
    provider = replace(PLATFORM, organization_id=key.subscription.provider_organization_id)

    accept_batch(
        body=json.dumps({"events": [event], "shipper": report}).encode(),
        batch_key="",
        actor=PLATFORM if is_ours else provider,
    )
    assert process_next_batch()

    key.refresh_from_db()
    assert key.last_used_ip == address
    assert address is None or key.last_used_at is not None
    assert "192.0.2.7" not in str(list(UsageEvent.objects.values()))
