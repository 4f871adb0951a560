"""Meters count what their provider asks for, beside calls and in the same transaction."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core.actors import Actor, ActorKind
from apps.core.clock import Period
from apps.subscriptions.models import Subscription
from apps.usage.enums import Aggregation, MeterErrorCode, MeterSource, WindowSize
from apps.usage.ingestion import accept_batch
from apps.usage.models import (
    Meter,
    MeterError,
    UsageBatch,
    UsageEvent,
    UsageWindow,
    UsageWindowValue,
)
from apps.usage.processing import process_next_batch
from apps.usage.selectors import quantities_in, used_calls
from tests.factories.direct import make_subscription_row
from tests.factories.meters import make_meter
from tests.factories.usage import PLATFORM, make_event

pytestmark = pytest.mark.django_db

NINE = datetime(2026, 3, 1, 9, tzinfo=UTC)
MARCH = Period(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))


def send(*events: dict[str, Any], actor: Actor = PLATFORM) -> UsageBatch:
    body = json.dumps({"events": list(events)}).encode()
    receipt = accept_batch(body=body, batch_key="", actor=actor)
    assert not receipt.rejections
    assert process_next_batch()
    return UsageBatch.objects.latest("id")


def call(subscription: Subscription, *, minute: float = 0, **fields: Any) -> dict[str, Any]:
    return make_event(subscription, occurred_at=NINE + timedelta(minutes=minute), **fields)


def measurement(
    subscription: Subscription, at: datetime = NINE, **properties: Any
) -> dict[str, Any]:
    """Return what a provider sends: a value without a call."""
    event = make_event(subscription, occurred_at=at, properties=properties)
    for name in ("status", "method", "path", "latency_ms", "upstream_latency_ms", "request_id"):
        del event[name]
    return {**event, "source": "billing-agent", "outcome": "measured"}


def quantities(subscription: Subscription, period: Period = MARCH) -> dict[str, Decimal]:
    """Return quantities without the numbers of their events."""
    found = quantities_in(subscription.pk, period)
    return {key: quantity for key, quantity in found.items() if not key.startswith("#")}


def test_same_events_give_four_expected_values_and_four_more() -> None:
    subscription = make_subscription_row()
    for aggregation in Aggregation.values:
        make_meter(subscription, aggregation, aggregation=aggregation, property_name="tokens")
    values = [4, 10, "4", 2]

    send(
        *(
            call(subscription, minute=70 * n, source="own", properties={"tokens": value})
            for n, value in enumerate(values)
        )
    )

    level = sum(
        [
            Decimal(str(value)) * (1 - Decimal(9 * 60 + 70 * n) / (31 * 24 * 60))
            for n, value in enumerate(values)
        ],
        Decimal(0),
    )
    found = quantities(subscription)
    assert found.pop("time_weighted") == pytest.approx(level, abs=Decimal("1e-9"))
    assert found == {
        "calls": 4,
        "count": 4,
        "sum": 20,
        "max": 10,
        "min": 2,
        "avg": 5,
        "unique": 3,
        "latest": 2,
    }


def test_windows_are_the_same_in_any_order_and_any_batches() -> None:
    source = random.Random(20)  # noqa: S311 -- the same on each run
    kinds = {
        aggregation: {"aggregation": aggregation, "property_name": "tokens"}
        for aggregation in Aggregation.values
    }
    events = [(source.randrange(0, 180), source.randrange(1, 9)) for _number in range(40)]
    found = []
    for turn in range(3):
        subscription = make_subscription_row()
        for key, fields in kinds.items():
            make_meter(subscription, key, **fields)
        ready = [
            call(
                subscription,
                minute=minute,
                source="own",
                properties={"tokens": value},
                id=f"01890000-0000-7000-8{turn:03}-{number:012}",
            )
            for number, (minute, value) in enumerate(events)
        ]
        source.shuffle(ready)
        for start in range(0, 40, (40, 7, 13)[turn]):
            send(*ready[start : start + (40, 7, 13)[turn]], *ready[:3])
        rows = UsageWindow.objects.filter(subscription=subscription).order_by(
            "meter", "window_start"
        )
        found.append(
            list(rows.values_list("meter", "window_start", "quantity", "value_sum", "event_count"))
        )
        assert quantities(subscription)["unique"] == len({value for _minute, value in events})

    assert len(found[0]) == 3 * (1 + len(kinds))
    assert found[0] == found[1] == found[2]


def test_a_measurement_is_no_call() -> None:
    subscription = make_subscription_row()
    make_meter(subscription)
    provider = Actor(
        kind=ActorKind.SERVICE_TOKEN,
        label="meter",
        organization_id=subscription.provider_organization_id,
        permissions=frozenset({"usage.write"}),
    )
    at = datetime.now(UTC)  # noqa: TID251 -- intake judges the time of a provider's event

    batch = send(
        measurement(subscription, at, tokens=250),
        measurement(subscription, at, tokens=50.5),
        actor=provider,
    )

    around = Period(at - timedelta(hours=2), at + timedelta(hours=2))
    assert quantities(subscription, around) == {"tokens": Decimal("300.5")}
    assert used_calls(subscription.pk, around) == 0
    assert batch.outcome["measured"] == 2
    row = UsageEvent.objects.filter(outcome="measured").first()
    assert row is not None
    assert (row.status, row.method, row.is_billable) == (0, "", True)


def test_filters_dimensions_and_values_of_calls() -> None:
    subscription = make_subscription_row()
    make_meter(
        subscription,
        "writes",
        source=MeterSource.CALLS,
        aggregation=Aggregation.COUNT,
        property_name="",
        filters=[
            {"property": "method", "operator": "in", "value": ["POST", "PUT"]},
            {"property": "path", "operator": "starts_with", "value": "/v1/"},
        ],
    )
    make_meter(
        subscription,
        "traffic",
        source=MeterSource.RESPONSE_BYTES,
        property_name="",
        group_by=[{"property": "method", "values": ["GET", "POST"]}],
        conversion="divide",
        conversion_factor=Decimal(1000),
        rounding="ceiling",
    )

    send(
        call(subscription, method="POST"),
        call(subscription, method="PUT"),
        call(subscription, method="GET", response_bytes=2000),
        call(subscription, method="PUT", path="/v2/cities"),
        call(subscription, method="POST", status=500),
    )

    # The whole is rounded once; each dimension that a price may ask for, by itself.
    assert quantities(subscription) == {
        "calls": 4,
        "writes": 2,
        "traffic": 3,
        'traffic{"method":"GET"}': 2,
        'traffic{"method":"POST"}': 1,
        'traffic{"method":"other"}': 1,
    }
    by_method = UsageWindow.objects.filter(meter="traffic").values_list("dimensions", "quantity")
    assert dict(by_method) == {
        '{"method":"GET"}': 2000,
        '{"method":"POST"}': 320,
        '{"method":"other"}': 640,
    }


def test_what_a_meter_cannot_count_is_told_with_a_sample() -> None:
    subscription = make_subscription_row()
    tokens = make_meter(subscription)
    header = make_meter(subscription, "units", source=MeterSource.RESPONSE_HEADER)
    wrong = ["many", True, [1], 1e30]

    send(
        *(call(subscription, source="own", properties={"tokens": value}) for value in wrong),
        call(subscription, source="own"),
        call(subscription),
        call(subscription, properties={"units": "7"}),
    )

    assert quantities(subscription) == {"calls": 7, "units": 7}
    found = MeterError.objects.order_by("code").values_list("meter__key", "code", "count", "sample")
    assert set(found) == {
        ("tokens", MeterErrorCode.NOT_A_NUMBER, 2, "true"),
        ("tokens", MeterErrorCode.NOT_A_VALUE, 1, "[1]"),
        ("tokens", MeterErrorCode.OUT_OF_RANGE, 1, "1e+30"),
        ("tokens", MeterErrorCode.MISSING, 1, ""),
        ("units", MeterErrorCode.MISSING, 1, ""),
    }
    assert (tokens.errors.count(), header.errors.count()) == (4, 1)


def test_windows_of_a_minute_and_of_a_local_day() -> None:
    subscription = make_subscription_row()
    Subscription.objects.filter(pk=subscription.pk).update(timezone="America/New_York")
    make_meter(subscription, "fast", window_s=WindowSize.MINUTE, property_name="tokens")
    make_meter(subscription, "slow", window_s=WindowSize.DAY, property_name="tokens")
    spring = datetime(2026, 3, 8, 12, 30, 30, tzinfo=UTC)  # a day of 23 hours

    send(make_event(subscription, occurred_at=spring, source="own", properties={"tokens": 3}))

    spans = UsageWindow.objects.values_list("meter", "window_start", "window_end")
    assert {meter: (start, end) for meter, start, end in spans if meter != "calls"} == {
        "fast": (spring.replace(second=0), spring.replace(minute=31, second=0)),
        "slow": (datetime(2026, 3, 8, 5, tzinfo=UTC), datetime(2026, 3, 9, 4, tzinfo=UTC)),
    }


def test_meters_with_different_delays_close_at_different_times() -> None:
    subscription = make_subscription_row()
    make_meter(subscription, "quick", watermark_delay_s=60, property_name="tokens")
    make_meter(subscription, "patient", watermark_delay_s=86_400, property_name="tokens")

    send(call(subscription, source="own", properties={"tokens": 1}))

    ends = NINE + timedelta(hours=1)
    assert dict(UsageWindow.objects.values_list("meter", "watermark_at")) == {
        "calls": ends + timedelta(minutes=5),
        "quick": ends + timedelta(minutes=1),
        "patient": ends + timedelta(days=1),
    }


def test_a_level_is_carried_into_the_next_period() -> None:
    subscription = make_subscription_row()
    make_meter(subscription, "seats", aggregation=Aggregation.TIME_WEIGHTED)
    noon = datetime(2026, 4, 16, tzinfo=UTC)

    send(
        call(subscription, source="own", properties={"seats": 10}),
        make_event(subscription, occurred_at=noon, source="own", properties={"seats": -4}),
    )

    april = Period(MARCH.end, datetime(2026, 5, 1, tzinfo=UTC))
    may = Period(april.end, datetime(2026, 6, 1, tzinfo=UTC))
    assert quantities(subscription, april) == {"calls": 1, "seats": 8}
    assert quantities(subscription, may) == {"seats": 6}


def test_only_new_values_of_a_window_add_to_it() -> None:
    subscription = make_subscription_row()
    make_meter(subscription, "users", aggregation=Aggregation.UNIQUE)

    for users in (["a", "b", "a"], ["b", "c"], [1, "1", 1.0]):
        send(*(call(subscription, source="own", properties={"users": user}) for user in users))

    window = UsageWindow.objects.get(meter="users")
    assert [int(window.quantity), window.event_count] == [4, 8]
    assert UsageWindowValue.objects.count() == 4


def test_a_meter_counts_from_its_creation_until_it_is_archived() -> None:
    subscription = make_subscription_row()
    make_meter(
        subscription,
        created_at=NINE + timedelta(minutes=10),
        archived_at=NINE + timedelta(minutes=20),
    )

    send(
        *(
            call(subscription, minute=minute, source="own", properties={"tokens": minute})
            for minute in (9, 10, 19, 20)
        ),
        measurement(subscription, tokens=5),
    )

    assert quantities(subscription) == {"calls": 4, "tokens": 29}
    assert [error.code for error in MeterError.objects.all()] == [MeterErrorCode.BEFORE_METER]


def test_calls_of_an_api_without_meters_cost_one_query_more() -> None:
    subscription, other = make_subscription_row(), make_subscription_row()
    send(call(subscription), call(other))
    counts = []
    for size in (1, 3):
        with CaptureQueriesContext(connection) as queries:
            send(*(call(one) for _n in range(size) for one in (subscription, other)))
        counts.append(len([q for q in queries if 'FROM "usage_meter"' in q["sql"]]))

    assert counts == [1, 1]
    assert not Meter.objects.exists()
