"""Windows are computed anew from stored events: nothing is changed by trying, and twice gives the same."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse
from pytest_django import Settings

from apps.core import clock
from apps.core.clock import Period
from apps.core.models import AuditEvent, JobRun, OutboxMessage
from apps.subscriptions.models import Subscription
from apps.usage.enums import DifferenceState, RewindStatus
from apps.usage.exceptions import EventsDropped, RewindRunning
from apps.usage.ingestion import accept_batch
from apps.usage.models import Meter, UsageEvent, UsageRewind, UsageWindow, WindowDifference
from apps.usage.processing import process_next_batch
from apps.usage.rewind_scopes import RewindScope
from apps.usage.services import (
    carry_out_rewind,
    close_usage,
    request_rewind,
    resume_rewinds,
    retry_rewind,
)
from tests.clients import api_client, client_for
from tests.factories.accounts import make_staff
from tests.factories.direct import make_subscription_row
from tests.factories.keys import SYSTEM
from tests.factories.usage import PLATFORM, make_event

pytestmark = pytest.mark.django_db

REWINDS = "/api/v1/admin/usage/rewinds"
HOUR = timedelta(hours=1)
AT = datetime(2026, 3, 5, 9, 30, tzinfo=UTC)
MARCH = Period(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))


def process(*events: dict[str, Any]) -> None:
    body = json.dumps({"events": list(events)}).encode()
    accept_batch(body=body, batch_key="", actor=PLATFORM)
    assert process_next_batch()


def make_usage(**fields: Any) -> Subscription:
    """Three billed calls in two hours, and a failed one."""
    subscription = make_subscription_row(anchor=MARCH.start, started_at=MARCH.start, **fields)
    process(
        make_event(subscription, occurred_at=AT),
        make_event(subscription, occurred_at=AT + HOUR),
        make_event(subscription, occurred_at=AT + HOUR, status=500),
        make_event(subscription, occurred_at=AT + HOUR),
    )
    return subscription


def rewind(*, dry: bool = False, **scope: Any) -> UsageRewind:
    asked = request_rewind(
        scope=RewindScope(scope.pop("period", MARCH), **scope),
        is_dry_run=dry,
        reason="A fault.",
        actor=SYSTEM,
        in_background=False,
    )
    return carry_out_rewind(rewind_id=asked.pk)


def state_of(subscription: Subscription) -> list[tuple[Any, ...]]:
    rows = UsageWindow.objects.filter(subscription=subscription).order_by("window_start", "meter")
    return [
        (row.window_start.hour, row.meter, int(row.quantity), row.event_count, row.error_count, row.revision)
        for row in rows
    ]  # fmt: skip


GOOD = [(9, "calls", 1, 1, 0, 1), (10, "calls", 2, 3, 1, 1)]


def test_rewind_of_good_windows_finds_nothing() -> None:
    subscription = make_usage()

    done = rewind()

    assert (done.status, done.window_count, done.difference_count) == ("succeeded", 2, 0)
    assert done.steps_done == done.steps_total == 31
    assert state_of(subscription) == GOOD


def test_dry_run_shows_and_changes_nothing() -> None:
    subscription = make_usage()
    UsageWindow.objects.filter(window_start=AT.replace(minute=0)).update(quantity=9, event_count=9)

    done = rewind(dry=True)

    [found] = WindowDifference.objects.all()
    assert (int(found.was_quantity), int(found.quantity), found.was_event_count) == (9, 1, 9)
    assert (found.state, found.is_period_closed) == (DifferenceState.FOUND, False)
    assert (done.difference_count, done.revised_count, done.kept_count) == (1, 0, 0)
    assert state_of(subscription)[0] == (9, "calls", 9, 9, 0, 1)
    assert not OutboxMessage.objects.filter(topic="core.event").exists()


def test_windows_of_open_periods_are_replaced_and_twice_is_the_same() -> None:
    """I6: lost, wrong and invented windows; a second rewind has nothing to do."""
    subscription = make_usage()
    UsageWindow.objects.filter(window_start=AT.replace(minute=0)).delete()
    wrong = UsageWindow.objects.get(window_start=AT.replace(minute=0) + HOUR)
    UsageWindow.objects.filter(pk=wrong.pk).update(quantity=7, error_count=0)
    invented = UsageWindow.objects.get(pk=wrong.pk)
    invented.pk, invented.window_start = None, AT.replace(minute=0) + 2 * HOUR
    invented.id = UsageWindow().pk
    invented.save(force_insert=True)

    first = rewind(subscription=subscription)
    after_first = state_of(subscription)
    second = rewind(subscription=subscription)

    assert first.revised_count == 3
    assert after_first == [GOOD[0], (10, "calls", 2, 3, 1, 2), (11, "calls", 0, 0, 0, 2)]
    assert (second.difference_count, state_of(subscription)) == (0, after_first)
    [message] = OutboxMessage.objects.filter(topic="core.event")
    assert message.payload["receiver"].endswith("note_recalculated_usage")
    event = message.payload["event"]
    assert (event["revised_count"], event["kept_count"]) == (3, 0)
    assert event["range_start"] == "2026-03-05T00:00:00Z"


def test_closed_period_is_not_changed_and_the_difference_waits_for_billing() -> None:
    subscription = make_usage()
    close_usage(subscription=subscription, period=MARCH, complete_after=clock.now())
    process(make_event(subscription, occurred_at=AT))  # an open late event: no difference
    UsageWindow.objects.filter(window_start=AT.replace(minute=0)).update(quantity=5)
    before = state_of(subscription)

    first, second = rewind(), rewind()

    assert state_of(subscription) == before
    assert [(row.kept_count, row.revised_count) for row in (first, second)] == [(1, 0)] * 2
    rows = WindowDifference.objects.order_by("id")
    assert [row.state for row in rows] == [DifferenceState.REPLACED, DifferenceState.OPEN]
    assert {(int(row.was_quantity), int(row.quantity)) for row in rows} == {(5, 1)}
    events = [row.payload["event"] for row in OutboxMessage.objects.filter(topic="core.event")]
    assert [event["kept_count"] for event in events if "kept_count" in event] == [1, 1]


def test_every_aggregation_is_computed_as_when_it_came() -> None:
    subscription = make_subscription_row(anchor=MARCH.start, started_at=MARCH.start)
    for kind in ("sum", "max", "min", "avg", "unique", "latest", "time_weighted"):
        Meter.objects.create(
            organization_id=subscription.provider_organization_id,
            api=subscription.api,
            key=kind,
            name=kind,
            source="property",
            property_name="tokens",
            aggregation=kind,
        )
    Meter.objects.update(created_at=MARCH.start)
    values = [3.5, -1, 3.5, 12, "0.25"]
    for number, value in enumerate(values):
        at = AT + timedelta(minutes=number)
        process(make_event(subscription, occurred_at=at, properties={"tokens": value}))

    def columns() -> list[tuple[Any, ...]]:
        names = ("meter", "quantity", "value_sum", "value_at", "value_event_id", "event_count")
        return list(UsageWindow.objects.order_by("meter").values_list(*names))

    good = columns()
    UsageWindow.objects.update(quantity=99, value_sum=1, event_count=1)
    assert rewind().revised_count == 8
    assert columns() == good
    assert rewind().difference_count == 0
    one = rewind(meter="max")
    assert one.window_count == 1


def test_killed_rewind_goes_on_after_its_last_step() -> None:
    make_usage()
    asked = request_rewind(
        scope=RewindScope(MARCH), is_dry_run=False, reason="x", actor=SYSTEM, in_background=False
    )

    def die(done: int, _total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        carry_out_rewind(rewind_id=asked.pk, on_progress=die)
    asked.refresh_from_db()
    assert (asked.status, asked.steps_done) == (RewindStatus.RUNNING, 3)
    UsageWindow.objects.update(quantity=50)

    done = carry_out_rewind(rewind_id=asked.pk)

    assert (done.status, done.steps_done, done.window_count) == (RewindStatus.SUCCEEDED, 31, 2)
    assert done.revised_count == 2


def test_failed_rewind_can_go_on() -> None:
    make_usage()
    asked = request_rewind(
        scope=RewindScope(MARCH), is_dry_run=False, reason="x", actor=SYSTEM, in_background=False
    )

    def fail(_done: int, _total: int) -> None:
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError):
        carry_out_rewind(rewind_id=asked.pk, on_progress=fail)
    asked.refresh_from_db()
    assert (asked.status, asked.error) == (RewindStatus.FAILED, "RuntimeError: disk full")

    retry_rewind(rewind=asked, actor=SYSTEM)
    assert carry_out_rewind(rewind_id=asked.pk).status == RewindStatus.SUCCEEDED


def test_rewind_that_stands_still_is_started_again() -> None:
    make_usage()
    asked = request_rewind(scope=RewindScope(MARCH), is_dry_run=True, reason="x", actor=SYSTEM)
    assert resume_rewinds(actor=SYSTEM) == 0
    UsageRewind.objects.update(updated_at=clock.now() - timedelta(minutes=6))

    assert resume_rewinds(actor=SYSTEM) == 1
    assert JobRun.objects.filter(name="usage.rewind").count() == 2
    assert carry_out_rewind(rewind_id=asked.pk).status == RewindStatus.SUCCEEDED


def test_overlapping_rewinds_are_refused() -> None:
    subscription = make_usage()
    request_rewind(
        scope=RewindScope(MARCH, api=subscription.api), is_dry_run=True, reason="x", actor=SYSTEM
    )
    with pytest.raises(RewindRunning):
        rewind(subscription=subscription, period=Period(AT, AT + HOUR))
    with pytest.raises(RewindRunning):
        rewind()
    other = make_usage()
    assert rewind(subscription=other).status == RewindStatus.SUCCEEDED


def test_range_without_events_is_refused() -> None:
    make_usage()
    UsageEvent.objects.all().delete()

    with pytest.raises(EventsDropped) as refusal:
        rewind()

    assert "2026-03" in str(refusal.value.detail)
    assert not UsageRewind.objects.exists()


def test_events_that_leave_meanwhile_empty_no_window() -> None:
    subscription = make_usage()
    asked = request_rewind(
        scope=RewindScope(MARCH), is_dry_run=False, reason="x", actor=SYSTEM, in_background=False
    )
    UsageEvent.objects.all().delete()

    with pytest.raises(EventsDropped):
        carry_out_rewind(rewind_id=asked.pk)

    asked.refresh_from_db()
    assert (asked.status, asked.steps_done) == (RewindStatus.FAILED, 4)
    assert state_of(subscription) == GOOD


@pytest.mark.django_db(transaction=True)
def test_processors_that_run_meanwhile_lose_nothing() -> None:
    subscription = make_subscription_row(anchor=MARCH.start, started_at=MARCH.start)
    for _batch in range(12):
        events = [make_event(subscription, occurred_at=AT) for _number in range(20)]
        accept_batch(body=json.dumps({"events": events}).encode(), batch_key="", actor=PLATFORM)

    def work() -> None:
        while process_next_batch():
            pass
        connection.close()

    threads = [threading.Thread(target=work) for _number in range(2)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert rewind(period=Period(AT, AT + HOUR)).difference_count == 0
    for thread in threads:
        thread.join(timeout=60)

    assert state_of(subscription)[0][:4] == (9, "calls", 240, 240)


# --- REST, command, pages ---------------------------------------------------------------------


BODY = {
    "from": "2026-03-01T00:00:00Z",
    "until": "2026-04-01T00:00:00Z",
    "reason": "The processor was wrong.",
}


def test_operator_tries_and_applies_over_rest() -> None:
    subscription = make_usage()
    UsageWindow.objects.filter(window_start=AT.replace(minute=0)).update(quantity=9)
    client = api_client(make_staff("operator"))

    answer = client.post(REWINDS, {**BODY, "api_id": subscription.api.public_id}, format="json")

    assert answer.status_code == 202
    asked = answer.json()
    assert (asked["status"], asked["dry_run"]) == ("waiting", True)
    assert asked["job_id"].startswith("job_")
    assert client.post(REWINDS, BODY, format="json").json()["code"] == "rewind_running"
    carry_out_rewind(rewind_id=UsageRewind.objects.get().pk)
    shown = client.get(f"{REWINDS}/{asked['id']}").json()
    assert (shown["status"], shown["difference_count"]) == ("succeeded", 1)
    assert shown["progress"] == {"done": 31, "total": 31}
    [found] = client.get(f"{REWINDS}/{asked['id']}/differences").json()["data"]
    assert (found["was_quantity"], found["quantity"]) == ("9.000000000000", "1.000000000000")
    assert found["subscription_id"] == subscription.public_id
    applied = client.post(REWINDS, {**BODY, "dry_run": False}, format="json")
    assert applied.json()["dry_run"] is False
    audit = AuditEvent.objects.filter(action="usage:rewind:requested")
    assert {row.reason for row in audit} == {"The processor was wrong."}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"reason": ""}, "reason"),
        ({"from": "yesterday"}, "from"),
        ({"until": "2026-02-01T00:00:00Z"}, "until"),
        ({"api_id": "api_unknown"}, "api_id"),
        ({"subscription_id": "sub_unknown"}, "subscription_id"),
        ({"meter": "unknown"}, "meter"),
    ],
)
def test_bad_requests_name_the_field(change: dict[str, str], field: str) -> None:
    client = api_client(make_staff("operator"))

    answer = client.post(REWINDS, {**BODY, **change}, format="json")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == f"/{field}"
    assert not UsageRewind.objects.exists()


@pytest.mark.parametrize("count", [1, 3])
def test_lists_take_the_same_queries(count: int, django_assert_num_queries: Any) -> None:
    subscription = make_usage()
    for hour in range(count):
        UsageWindow.objects.create(
            consumer_organization_id=subscription.consumer_organization_id,
            provider_organization_id=subscription.provider_organization_id,
            subscription=subscription,
            api_id=subscription.api_id,
            meter="calls",
            window_start=AT.replace(hour=hour, minute=0),
            window_end=AT.replace(hour=hour + 1, minute=0),
            quantity=1,
        )
    runs = [rewind(dry=True) for _run in range(count)]
    found = runs[0]
    client = api_client(make_staff("operator"))
    with django_assert_num_queries(1):
        assert len(client.get(REWINDS).json()["data"]) == count
    with django_assert_num_queries(2):
        rows = client.get(f"{REWINDS}/{found.public_id}/differences").json()["data"]
    assert len(rows) == count


def test_command_shows_and_applies() -> None:
    subscription = make_usage()
    UsageWindow.objects.filter(window_start=AT.replace(minute=0)).update(quantity=9)
    arguments = ["--from", "2026-03-01", "--until", "2026-04-01", "--reason", "x"]
    shown, applied, again = StringIO(), StringIO(), StringIO()

    call_command("rewind_usage", *arguments, stdout=shown, stderr=StringIO())
    call_command("rewind_usage", *arguments, "--apply", stdout=applied, stderr=StringIO())
    call_command("rewind_usage", *arguments, "--apply", stdout=again, stderr=StringIO())

    assert f"{subscription.public_id} calls 9 -> 1 found" in shown.getvalue()
    assert "9 -> 1 revised" in applied.getvalue()
    assert "2 windows, 0 different" in again.getvalue()
    with pytest.raises(CommandError, match="--from"):
        call_command("rewind_usage", "--from", "x", "--until", "2026-04-01", "--reason", "x")


@pytest.fixture
def no_mfa(settings: Settings) -> None:
    settings.REQUIRE_STAFF_MFA = False


@pytest.mark.usefixtures("no_mfa")
def test_pages_try_and_apply() -> None:
    subscription = make_usage()
    UsageWindow.objects.filter(window_start=AT.replace(minute=0)).update(quantity=9)
    client = client_for(make_staff("operator"))
    page = reverse("admin:usage_rewinds")
    fields = {"start": "2026-03-01T00:00", "until": "2026-04-01T00:00", "reason": "A fault."}

    assert client.post(page, {**fields, "api_id": "api_x"}).status_code == 422
    assert client.post(page, fields).status_code == 302
    tried = UsageRewind.objects.get()
    detail = reverse("admin:usage_rewind", args=[tried.public_id])
    assert "Look again" in client.get(detail).content.decode()
    carry_out_rewind(rewind_id=tried.pk)
    text = client.get(detail).content.decode()
    assert subscription.api.name in text
    assert "Apply" in text
    assert "A fault." in client.get(page).content.decode()

    apply = reverse("admin:usage_rewind_apply", args=[tried.public_id])
    assert client.post(apply, {"reason": " "}, follow=True).status_code == 200
    assert UsageRewind.objects.count() == 1
    client.post(apply, {"reason": "A fault."})
    applied = UsageRewind.objects.get(is_dry_run=False)
    carry_out_rewind(rewind_id=applied.pk)
    assert state_of(subscription)[0] == (9, "calls", 1, 1, 0, 2)


@pytest.mark.usefixtures("no_mfa")
def test_pages_are_for_operators() -> None:
    make_usage()
    done = rewind(dry=True)
    client = client_for(make_staff("finance"))
    for page in (
        reverse("admin:usage_rewinds"),
        reverse("admin:usage_rewind", args=[done.public_id]),
    ):
        assert client.get(page).status_code == 403
