"""However events arrive, twice, late, or while a processor dies: the windows are those of one sorted pass."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

import pytest
from django.db import OperationalError, connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.core.ids import uuid7
from apps.subscriptions.models import Subscription
from apps.usage.aggregation import Kind, Reading, Total, add
from apps.usage.enums import BatchStatus
from apps.usage.ingestion import accept_batch
from apps.usage.models import LateEvent, Meter, UsageBatch, UsageCutoff, UsageWindow
from apps.usage.processing import process_next_batch
from tests.factories.direct import make_subscription_row
from tests.factories.usage import PLATFORM, make_event

START: Final = datetime(2026, 3, 5, 9, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)
# A window's numbers: quantity, sum of values, events.
Numbers = tuple[Decimal, Decimal, int]


@dataclass(frozen=True)
class Call:
    """What a call is, before it is sent."""

    second: int
    value: Decimal
    status: int
    id: str = field(default_factory=lambda: str(uuid7()))

    @property
    def at(self) -> datetime:
        """When the gateway decided."""
        return START + timedelta(seconds=self.second)


@dataclass(frozen=True)
class Delivery:
    """A batch: which calls it holds, when it reaches the inbox, and how often its processor dies on it."""

    calls: list[int]
    arrives_after_s: int
    deaths: int


calls = st.builds(
    Call,
    second=st.integers(0, 3 * 3600 - 1),
    value=st.decimals("-50", "50", places=2),
    status=st.sampled_from([200, 200, 200, 503]),
)
deliveries = st.lists(
    st.builds(
        Delivery,
        calls=st.lists(st.integers(0, 9), min_size=1, max_size=8),
        arrives_after_s=st.integers(0, 6 * 3600),
        deaths=st.integers(0, 2),
    ),
    max_size=5,
)


def metered_subscription() -> Subscription:
    subscription = make_subscription_row(anchor=START, started_at=START)
    for kind in Kind:
        Meter.objects.create(
            organization_id=subscription.provider_organization_id,
            api=subscription.api,
            key=kind.value,
            name=kind.value,
            source="property",
            property_name="tokens",
            aggregation=kind.value,
        )
    Meter.objects.update(created_at=START - HOUR)
    return subscription


def send(subscription: Subscription, sent: Sequence[Call], *, arrives_at: datetime) -> UsageBatch:
    events = [
        make_event(
            subscription,
            id=call.id,
            request_id=call.id,
            occurred_at=call.at,
            status=call.status,
            properties={"tokens": str(call.value)},
        )
        for call in sent
    ]
    receipt = accept_batch(
        body=json.dumps({"events": events}).encode(), batch_key="", actor=PLATFORM
    )
    batch = next(row for row in UsageBatch.objects.all() if row.public_id == receipt.batch_id)
    UsageBatch.objects.filter(pk=batch.pk).update(available_at=arrives_at)
    return batch


def one_sorted_pass(known: Sequence[Call]) -> dict[tuple[str, datetime], Numbers]:
    """The model: pure arithmetic over the different calls in order of time."""
    totals: dict[tuple[str, datetime], Total] = defaultdict(Total)
    for call in sorted(set(known), key=lambda one: (one.at, one.id)):
        hour = call.at.replace(minute=0, second=0)
        plain = totals["calls", hour]
        plain.events += 1
        if call.status != 200:
            continue
        plain.quantity += 1
        reading = Reading(call.at, call.value, UUID(call.id))
        for kind in Kind:
            add(kind, totals[kind.value, hour], reading, window_end=hour + HOUR)
    return {key: (total.quantity, total.value_sum, total.events) for key, total in totals.items()}


def stored(subscription: Subscription) -> dict[tuple[str, datetime], Numbers]:
    rows = UsageWindow.objects.filter(subscription=subscription)
    return {
        (row.meter, row.window_start): (row.quantity, row.value_sum, row.event_count)
        for row in rows
    }


@pytest.mark.django_db
@settings(max_examples=15, deadline=None)
@given(known=st.lists(calls, min_size=1, max_size=10), arriving=deliveries)
def test_any_interleaving_gives_the_windows_of_one_sorted_pass(
    known: list[Call], arriving: list[Delivery]
) -> None:
    subscription = metered_subscription()
    whole = Delivery(list(range(len(known))), 0, 0)  # in the end each call has come

    for delivery in [*arriving, whole]:
        sent = [known[index % len(known)] for index in delivery.calls]
        send(subscription, sent, arrives_at=START + timedelta(seconds=delivery.arrives_after_s))
        for _death in range(delivery.deaths):
            with transaction.atomic():
                assert process_next_batch()
                transaction.set_rollback(True)  # what PostgreSQL does when its client is killed
        assert process_next_batch()

    assert stored(subscription) == one_sorted_pass(known)
    late = sum(
        UsageWindow.objects.filter(subscription=subscription).values_list("late_count", flat=True)
    )
    assert late == LateEvent.objects.filter(subscription=subscription).count()


@pytest.mark.django_db(transaction=True)
def test_processor_that_is_killed_in_the_middle_of_a_window_leaves_nothing_half_done() -> None:
    """I1: half of a window's batches, a kill, a new processor, the other half."""
    subscription = metered_subscription()
    known = [Call(second, Decimal(second % 7), 200) for second in range(0, 3000, 100)]
    half = len(known) // 2
    send(subscription, known[:half], arrives_at=START)
    assert process_next_batch()
    before = stored(subscription)
    batch = send(subscription, known[half:], arrives_at=START)
    deaths: list[OperationalError] = []

    def work() -> None:
        try:
            process_next_batch()
        except OperationalError as error:
            deaths.append(error)
        finally:
            connection.close()

    with transaction.atomic():  # holds the processor after its events, before its windows
        UsageCutoff.objects.select_for_update().get(subscription=subscription)
        processor = threading.Thread(target=work)
        processor.start()
        terminate_who_waits(processor)
        processor.join(timeout=60)

    batch.refresh_from_db()
    assert (len(deaths), batch.status) == (1, BatchStatus.PENDING)
    assert stored(subscription) == before
    assert process_next_batch()
    assert stored(subscription) == one_sorted_pass(known)


def terminate_who_waits(processor: threading.Thread) -> None:
    """Kill the server process that waits for a lock of ours, as soon as there is one."""
    with connection.cursor() as cursor:
        while processor.is_alive():
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
            )
            if cursor.fetchone() is not None:
                return
