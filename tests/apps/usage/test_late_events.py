"""What comes behind a window's watermark revises the window; what comes behind the cutoff is told to billing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.accounts.enums import Role
from apps.core import clock
from apps.core.clock import Period
from apps.core.models import OutboxMessage
from apps.subscriptions.models import Subscription
from apps.usage.enums import LateResolution, WindowStatus
from apps.usage.exceptions import UsageNotComplete
from apps.usage.ingestion import accept_batch
from apps.usage.models import LateEvent, Meter, UsageBatch, UsageWindow
from apps.usage.processing import process_next_batch
from apps.usage.services import close_usage, close_windows
from tests.clients import api_client, client_for
from tests.factories.accounts import OrganizationFactory, make_member
from tests.factories.direct import make_subscription_row
from tests.factories.usage import PLATFORM, make_event

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
MARCH = Period(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))
AT = datetime(2026, 3, 5, 9, 30, tzinfo=UTC)


def process(*events: dict[str, Any], arrived_at: datetime | None = None) -> UsageBatch:
    """Take a batch that reached the inbox at a moment, and process it now."""
    receipt = accept_batch(
        body=json.dumps({"events": list(events)}).encode(), batch_key="", actor=PLATFORM
    )
    batch = next(row for row in UsageBatch.objects.all() if row.public_id == receipt.batch_id)
    UsageBatch.objects.filter(pk=batch.pk).update(available_at=arrived_at or batch.available_at)
    assert process_next_batch()
    batch.refresh_from_db()
    return batch


def window_of(subscription: Subscription) -> UsageWindow:
    return UsageWindow.objects.get(subscription=subscription, meter="calls")


def march_subscription(**fields: Any) -> Subscription:
    return make_subscription_row(anchor=MARCH.start, started_at=MARCH.start, **fields)


def test_event_that_came_in_time_is_not_late_however_late_it_is_processed() -> None:
    subscription = march_subscription()

    batch = process(make_event(subscription, occurred_at=AT), arrived_at=AT + timedelta(minutes=34))

    assert not LateEvent.objects.exists()
    window = window_of(subscription)
    assert (window.status, window.late_count, window.revision) == (WindowStatus.OPEN, 0, 1)
    assert batch.outcome["revised"] == 0


def test_late_event_of_an_open_period_revises_the_closed_window() -> None:
    subscription = march_subscription()
    first = make_event(subscription, occurred_at=AT)
    process(first, arrived_at=AT)
    assert close_windows() == 1
    assert window_of(subscription).status == WindowStatus.CLOSED
    late = make_event(subscription, occurred_at=AT)
    failed = make_event(subscription, occurred_at=AT, status=503)

    batch = process(late, failed)

    window = window_of(subscription)
    assert (int(window.quantity), window.event_count, window.error_count) == (2, 3, 1)
    assert (window.revision, window.late_count) == (2, 1)
    row = LateEvent.objects.get()  # the failed call changes no quantity
    assert str(row.event_id) == late["id"]
    assert (row.resolution, row.resolved_at is not None) == (LateResolution.REVISED, True)
    assert (row.window_start, int(row.quantity)) == (AT.replace(minute=0), 1)
    assert (row.period_start, row.period_end) == (MARCH.start, MARCH.end)
    assert (batch.outcome["revised"], batch.outcome["counted"], batch.outcome["late"]) == (1, 1, 0)
    assert not OutboxMessage.objects.filter(topic="core.event").exists()


def test_watermark_counts_before_the_job_has_run() -> None:
    subscription = march_subscription()
    process(make_event(subscription, occurred_at=AT), arrived_at=AT)

    process(make_event(subscription, occurred_at=AT), arrived_at=AT + timedelta(minutes=35))

    window = window_of(subscription)
    assert (window.status, window.late_count) == (WindowStatus.CLOSED, 1)
    assert window.closed_at is not None


def test_event_behind_the_cutoff_waits_for_billing() -> None:
    """I2: an event after the close lands in the late events, and is not dropped."""
    subscription = march_subscription()
    process(make_event(subscription, occurred_at=AT), arrived_at=AT)
    closed = close_usage(subscription=subscription, period=MARCH, complete_after=clock.now())
    assert closed.quantities == {"calls": 1}

    batch = process(
        make_event(subscription, occurred_at=AT),
        make_event(subscription, occurred_at=AT + HOUR),
        make_event(subscription, occurred_at=AT, status=404),
    )

    assert window_of(subscription).revision == 1
    assert (batch.outcome["late"], batch.outcome["counted"]) == (3, 0)
    rows = list(LateEvent.objects.order_by("window_start"))
    assert [row.resolution for row in rows] == [LateResolution.OPEN] * 2
    assert [row.window_start.hour for row in rows] == [9, 10]
    message = OutboxMessage.objects.get(topic="core.event")
    assert message.payload["receiver"].endswith("note_late_usage")
    event = message.payload["event"]
    assert event["subscription_id"] == str(subscription.pk)
    assert (event["meter"], event["event_count"], event["quantity"]) == ("calls", 2, "2")
    assert event["period_start"] == "2026-03-01T00:00:00Z"
    assert event["period_end"] == "2026-04-01T00:00:00Z"


def test_job_waits_for_batches_that_came_before_the_watermark() -> None:
    subscription = march_subscription()
    process(make_event(subscription, occurred_at=AT), arrived_at=AT)
    accept_batch(
        body=json.dumps({"events": [make_event(subscription, occurred_at=AT)]}).encode(),
        batch_key="",
        actor=PLATFORM,
    )
    UsageBatch.objects.filter(status="pending").update(available_at=AT + timedelta(minutes=31))

    assert close_windows() == 0
    assert process_next_batch()
    assert close_windows() == 1
    assert window_of(subscription).quantity == 2


def test_test_clock_closes_the_windows_that_it_passes() -> None:
    sandbox = OrganizationFactory(is_sandbox=True)
    subscription = make_subscription_row(consumer=sandbox)
    process(make_event(subscription))
    assert close_windows() == 0

    sandbox.clock_offset = timedelta(days=3)
    sandbox.save()

    assert close_windows() == 1


def test_two_meters_with_different_delays_close_at_different_times() -> None:
    """I4, in the job and in processing."""
    subscription = march_subscription()
    for key, delay_s in (("soon", 60), ("slow", 86_400)):
        Meter.objects.create(
            organization_id=subscription.provider_organization_id,
            api=subscription.api,
            key=key,
            name=key,
            watermark_delay_s=delay_s,
        )
    Meter.objects.update(created_at=MARCH.start)
    event = make_event(subscription, occurred_at=AT)

    process(event, arrived_at=AT + timedelta(minutes=32))

    closed = {row.meter: row.status for row in UsageWindow.objects.all()}
    assert closed == {"calls": "open", "slow": "open", "soon": "closed"}
    assert [row.meter for row in LateEvent.objects.all()] == ["soon"]
    end, minute = AT.replace(minute=0) + HOUR, timedelta(minutes=1)
    assert dict(UsageWindow.objects.values_list("meter", "watermark_at")) == {
        "calls": end + 5 * minute,
        "slow": end + timedelta(days=1),
        "soon": end + minute,
    }


def test_period_waits_for_the_slowest_meter() -> None:
    subscription = make_subscription_row()
    today = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    period = Period(today - timedelta(days=30), today)
    Meter.objects.create(
        organization_id=subscription.provider_organization_id,
        api=subscription.api,
        key="slow",
        name="slow",
        watermark_delay_s=2 * 86_400,
    )

    with pytest.raises(UsageNotComplete):
        close_usage(subscription=subscription, period=period, complete_after=today)

    Meter.objects.update(watermark_delay_s=0)
    earlier = Period(period.start, today - timedelta(days=1))
    close_usage(subscription=subscription, period=earlier, complete_after=today)


@pytest.fixture
def two_late_events() -> tuple[Any, Any]:
    consumer, provider = make_member(Role.VIEWER), make_member(Role.VIEWER)
    subscription = march_subscription(
        consumer=consumer.organization, provider=provider.organization
    )
    process(make_event(subscription, occurred_at=AT))
    close_usage(subscription=subscription, period=MARCH, complete_after=clock.now())
    process(make_event(subscription, occurred_at=AT))
    return consumer, provider


def test_each_side_reads_its_late_events(two_late_events: tuple[Any, Any]) -> None:
    consumer, provider = two_late_events
    for member, path in (
        (consumer, "/api/v1/usage/late-events"),
        (provider, "/api/v1/provider/usage/late-events"),
    ):
        rows = api_client(member).get(path).json()["data"]
        assert [row["state"] for row in rows] == ["open", "revised"]
        assert rows[0]["window_start"] == "2026-03-05T09:00:00Z"
        rows = api_client(member).get(f"{path}?state=open").json()["data"]
        assert len(rows) == 1
        refused = api_client(member).get(f"{path}?state=lost")
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "/state")
    assert api_client(consumer).get("/api/v1/provider/usage/late-events").json()["data"] == []
    assert api_client(provider).get("/api/v1/usage/late-events").json()["data"] == []


def test_filter_by_somebody_elses_subscription_is_unknown(two_late_events: tuple[Any, Any]) -> None:
    other = make_subscription_row()
    path = f"/api/v1/usage/late-events?subscription_id={other.public_id}"
    assert api_client(two_late_events[0]).get(path).status_code == 404


@pytest.mark.parametrize("count", [1, 3])
def test_list_of_late_events_takes_the_same_queries(
    count: int, django_assert_num_queries: Any
) -> None:
    consumer = make_member(Role.VIEWER)
    subscription = march_subscription(consumer=consumer.organization)
    process(*(make_event(subscription, occurred_at=AT) for _number in range(count)))
    client = api_client(consumer)
    with django_assert_num_queries(1):
        rows = client.get("/api/v1/usage/late-events").json()["data"]
    assert len(rows) == count


def test_window_tells_when_it_closes_and_how_many_came_late(
    two_late_events: tuple[Any, Any],
) -> None:
    [window] = api_client(two_late_events[0]).get("/api/v1/usage/windows").json()["data"]
    assert (window["status"], window["late_count"]) == ("closed", 1)
    assert window["closes_at"] == "2026-03-05T10:05:00Z"
    assert window["as_of"] > window["closes_at"]


def test_usage_page_says_how_many_calls_came_late() -> None:
    consumer = make_member(Role.VIEWER)
    subscription = make_subscription_row(consumer=consumer.organization)
    client = client_for(consumer)
    assert "came late" not in client.get("/console/usage/").content.decode()
    at = clock.now() - timedelta(days=1)
    process(make_event(subscription, occurred_at=at), make_event(subscription, occurred_at=at))

    page = client.get("/console/usage/").content.decode()

    assert "2 calls came late" in page


def test_pages_list_each_sides_late_events(two_late_events: tuple[Any, Any]) -> None:
    consumer, provider = two_late_events
    for member, other, path in (
        (consumer, provider, "/console/usage/late/"),
        (provider, consumer, "/console/provider/usage/late/"),
    ):
        page = client_for(member).get(path).content.decode()
        assert ">open<" in page
        assert ">window revised<" in page
        page = client_for(member).get(f"{path}?state=open").content.decode()
        assert ">window revised</td>" not in page
        assert "Nothing came late" in client_for(other).get(path).content.decode()


@pytest.mark.parametrize("count", [1, 3])
def test_page_of_late_events_takes_the_same_queries(
    count: int, django_assert_num_queries: Any
) -> None:
    consumer = make_member(Role.VIEWER)
    subscription = march_subscription(consumer=consumer.organization)
    process(*(make_event(subscription, occurred_at=AT) for _number in range(count)))
    client = client_for(consumer)
    client.get("/console/usage/late/")
    with django_assert_num_queries(8):
        page = client.get("/console/usage/late/").content.decode()
    assert page.count(">window revised</td>") == count
