"""The gateway's counters and the windows agree, or it is said where they do not."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from apps.core import clock
from apps.core.actors import Actor
from apps.core.attention import attention_items
from apps.core.enums import OutboxStatus
from apps.core.ids import uuid7
from apps.core.models import AuditEvent, JobRun, OutboxMessage
from apps.core.relay import claim_messages, deliver
from apps.gateway.store import names
from apps.gateway.store.functions import call_function
from apps.gateway.valkey import get_client, get_counters, get_writer
from apps.subscriptions.models import Subscription
from apps.usage.drift import compare_counters
from apps.usage.enums import DriftScope, DriftStatus, ReplayStatus
from apps.usage.exceptions import DriftRunning
from apps.usage.ingestion import accept_batch
from apps.usage.models import (
    DriftReport,
    LogReplay,
    QuotaState,
    ShipperState,
    UsageBatch,
    UsageWindow,
)
from apps.usage.processing import process_next_batch
from apps.usage.services import ReplayResult, finish_replay
from tests.apps.gateway.test_sync import step_and_prove
from tests.factories.accounts import actor_of, make_staff
from tests.factories.keys import make_key
from tests.factories.usage import PLATFORM, make_event

pytestmark = pytest.mark.django_db

SYSTEM = Actor.system("test")
DRIFT = "/api/v1/admin/usage/drift"


@pytest.fixture(autouse=True)
def store(settings: Any) -> Iterator[None]:
    settings.REQUIRE_STAFF_MFA = False
    get_client().flushdb()
    yield
    get_client().flushdb()


class Called:
    """A subscription at the gateway, and the calls that it makes through the real store."""

    def __init__(self) -> None:
        self.key = make_key().key
        step_and_prove(get_writer())
        self.subscription = Subscription.objects.select_related(
            "api", "consumer_organization", "price_version"
        ).get(pk=self.key.subscription_id)
        self.org_id = self.subscription.consumer_organization.public_id
        self.sub_id = self.subscription.public_id
        # That of the next period exists already.
        self.period_start = min(get_counters().read(org_id=self.org_id, sub_id=self.sub_id))

    def take(self, event_id: str) -> None:
        """Count a call as an authorizer does."""
        keys = [
            names.taken_call(self.org_id, event_id),
            names.subscription_counters(self.org_id, self.sub_id),
        ]
        arguments = [self.key.public_id, event_id, 0, self.period_start, -1, "0", 0]
        code, *_rest = call_function(get_client(), "tg1_take", keys, arguments)
        assert code == 0

    def call(self, count: int = 1, *, at: datetime | None = None, **fields: Any) -> list[Any]:
        """Make calls that the store counts, and return their events, which were not sent yet."""
        at = at or clock.now() - timedelta(seconds=10)
        events = [make_event(self.subscription, occurred_at=at, **fields) for _ in range(count)]
        for event in events:
            self.take(event["id"])
        return events

    @property
    def counter(self) -> int:
        return get_counters().read(org_id=self.org_id, sub_id=self.sub_id)[self.period_start]

    def shift(self, delta: int) -> None:
        get_counters().adjust(
            org_id=self.org_id, sub_id=self.sub_id, period_start=self.period_start, delta=delta
        )

    @property
    def counted(self) -> int:
        windows = UsageWindow.objects.filter(subscription=self.subscription, meter="calls")
        return int(sum(window.quantity for window in windows))


def send(events: list[Any]) -> None:
    body = json.dumps({"events": events}).encode()
    accept_batch(body=body, batch_key="", actor=PLATFORM)


def send_and_process(events: list[Any]) -> None:
    send(events)
    assert process_next_batch()


def relay() -> None:
    for message in claim_messages():
        if message.topic == "usage.give_back":
            assert deliver(message)


def compare(scope: DriftScope = DriftScope.RECENT) -> DriftReport:
    return compare_counters(store=get_counters(), scope=scope, actor=SYSTEM, patience_s=0)


def test_counter_that_agrees_is_left_alone_and_remembered() -> None:
    called = Called()
    send_and_process(called.call(3))

    report = compare()

    assert (report.status, report.compared_count, report.equal_count) == (DriftStatus.EQUAL, 1, 1)
    assert called.counter == called.counted == 3
    state = QuotaState.objects.get()
    assert (state.used_calls, state.compared_at is not None) == (3, True)
    assert not AuditEvent.objects.filter(action="usage:drift:compared").exists()


def test_counter_below_the_windows_is_raised_at_once() -> None:
    called = Called()
    send_and_process(called.call(5))
    called.shift(-2)

    report = compare()

    assert called.counter == 5
    assert (report.status, report.raised_count) == (DriftStatus.CORRECTED, 1)
    (finding,) = report.details["findings"]
    assert (finding["subscription"], finding["raised_at_once"]) == (called.sub_id, 2)
    audit = AuditEvent.objects.get(action="usage:drift:compared")
    assert (audit.target_id, audit.after["raised"]) == (report.pk, 1)
    assert compare().status == DriftStatus.EQUAL


def test_calls_of_the_last_seconds_are_judged_by_the_next_run(
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    """A call of the seconds before the mark, which the store lost, comes after the run and moves no counter."""
    called = Called()
    with django_capture_on_commit_callbacks(execute=True):  # the key's last use
        send_and_process(called.call(3, key_id=called.key.public_id))
    first = compare()
    assert (first.status, called.counter) == (DriftStatus.EQUAL, 3)
    assert first.mark_at is not None
    just_before = first.mark_at - timedelta(seconds=2)
    lost = make_event(called.subscription, occurred_at=just_before, key_id=called.key.public_id)
    send_and_process([lost])
    assert (called.counted, QuotaState.objects.get().used_calls, called.counter) == (4, 3, 3)

    second = compare(DriftScope.RECENT)

    assert (second.status, second.compared_count, second.raised_count) == ("corrected", 1, 1)
    assert called.counter == called.counted == 4


def test_counter_above_is_not_lowered_while_a_call_may_be_missing() -> None:
    called = Called()
    send_and_process(called.call(3))
    called.call(2)

    for _run in range(2):
        report = compare()
        assert (report.status, report.unexplained_count) == (DriftStatus.UNEXPLAINED, 1)
        assert called.counter == 5
    assert "No gateway node has ever reported." in report.reason
    items = attention_items(actor_of(make_staff("operator")))
    assert any("Counters" in str(item.label) and item.count == 1 for item in items)


def test_call_whose_give_back_waits_is_no_drift() -> None:
    called = Called()
    send_and_process(called.call(2) + called.call(3, status=404))
    assert OutboxMessage.objects.filter(
        topic="usage.give_back", status=OutboxStatus.PENDING
    ).exists()

    assert compare().status == DriftStatus.EQUAL
    assert called.counter == 5
    relay()
    assert called.counter == 2
    assert compare().status == DriftStatus.EQUAL


def test_nothing_is_compared_before_every_call_has_arrived() -> None:
    called = Called()
    send_and_process(called.call(2))
    called.shift(5)
    send(called.call(1))

    report = compare()
    assert (report.status, called.counter) == (DriftStatus.INCOMPLETE, 8)
    assert process_next_batch()
    ShipperState.objects.create(
        node="slow",
        oldest_unshipped_at=clock.now() - timedelta(hours=1),
        reported_at=clock.now(),
    )
    assert compare().status == DriftStatus.INCOMPLETE


def test_correction_by_somebody_else_ends_the_comparison() -> None:
    called = Called()
    counters = get_counters()

    def open_comparison(name: str) -> None:
        counters.open_comparisons(name, [(called.org_id, called.sub_id)], lapses_after_ms=60_000)

    def close(name: str, delta: int) -> int | None:
        return counters.close_comparison(
            name,
            org_id=called.org_id,
            sub_id=called.sub_id,
            period_start=called.period_start,
            delta=delta,
        )

    open_comparison("one")
    raised = counters.raise_to(
        org_id=called.org_id, sub_id=called.sub_id, period_start=called.period_start, least=7
    )
    assert raised == 7
    assert close("one", 7) is None
    open_comparison("two")
    called.call(1)
    assert close("one", 7) is None
    assert close("two", -2) == 6
    assert close("two", -2) is None


def test_only_subscriptions_in_use_are_compared_but_all_of_them_nightly() -> None:
    busy, quiet = Called(), Called()
    compare()
    busy.call(1)

    assert compare().compared_count == 1
    assert compare(DriftScope.ALL).compared_count == 2
    assert quiet.counter == 0


def test_window_that_is_not_the_sum_of_its_calls_is_named() -> None:
    called = Called()
    send_and_process(called.call(3))
    UsageWindow.objects.update(quantity=2)

    report = compare()

    assert (report.status, report.wrong_windows_count) == (DriftStatus.UNEXPLAINED, 1)
    (window,) = report.details["windows"]
    assert (window["quantity"], window["billed_calls"]) == (2, 3)
    UsageWindow.objects.all().delete()
    (window,) = compare(DriftScope.ALL).details["windows"]
    assert (window["event_count"], window["calls"]) == (0, 3)


def test_report_of_a_killed_run_is_failed_by_the_next() -> None:
    lost = DriftReport.objects.create(scope=DriftScope.ALL, started_at=clock.now())

    report = compare()

    lost.refresh_from_db()
    assert (lost.status, lost.finished_at is not None) == (DriftStatus.FAILED, True)
    assert "was ended before it was done" in lost.reason
    assert report.status == DriftStatus.EQUAL


class TestLoweringByHand:
    """An operator may lower a counter that stays unexplained."""

    @pytest.fixture
    def called(self) -> Called:
        called = Called()
        send_and_process(called.call(3))
        called.shift(5)
        assert compare().status == DriftStatus.UNEXPLAINED
        return called

    def ask(self, client: APIClient, called: Called, **changes: str) -> Any:
        body = {"subscription_id": called.sub_id, "reason": "No call is missing.", **changes}
        return client.post("/api/v1/admin/usage/counters/lower", body, format="json")

    def test_it_is_lowered_once_by_what_was_too_much(
        self, called: Called, api_client: Callable[..., APIClient]
    ) -> None:
        client = api_client(make_staff("operator"))
        called.take(str(uuid7()))  # a call since the comparison stays

        done = self.ask(client, called)
        again = self.ask(client, called)

        assert (done.status_code, done.json()["counter"], done.json()["lowered_by"]) == (200, 8, 5)
        assert called.counter == 4
        assert called.counted == 3
        assert (again.status_code, again.json()["code"]) == (409, "counter_explained")
        (finding,) = DriftReport.objects.latest("id").details["findings"]
        assert (finding["outcome"], finding["delta"]) == ("by_hand", -5)
        audit = AuditEvent.objects.get(action="usage:drift:lowered_by_hand")
        assert audit.reason == "No call is missing."
        assert audit.organization_id == called.subscription.consumer_organization_id

    def test_bad_asks_change_nothing(
        self, called: Called, api_client: Callable[..., APIClient]
    ) -> None:
        client = api_client(make_staff("operator"))

        assert self.ask(client, called, reason=" ").status_code == 400
        assert self.ask(client, called, subscription_id="sub_none").status_code == 404
        assert self.ask(api_client(make_staff("finance")), called).status_code == 403
        assert called.counter == 8

    def test_without_valkey_the_finding_stays_open(
        self, called: Called, api_client: Callable[..., APIClient]
    ) -> None:
        get_client().flushdb()  # the counter is gone

        refused = self.ask(api_client(make_staff("operator")), called)

        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
        (finding,) = DriftReport.objects.latest("id").details["findings"]
        assert (finding["outcome"], finding["delta"]) == ("unexplained", 0)
        assert AuditEvent.objects.filter(action="usage:drift:not_lowered").exists()

    def test_in_the_back_office(self, called: Called, client_for: Callable[..., Client]) -> None:
        browser = client_for(make_staff("operator"))
        report = DriftReport.objects.latest("id")
        page = reverse("admin:usage_drift_lower", args=[called.sub_id])
        shown = browser.get(reverse("admin:usage_drift_report", args=[report.public_id]))
        asked = browser.get(page).content.decode()
        empty = browser.post(page, {"reason": ""})
        done = browser.post(page, {"reason": "Checked the journals."})

        assert page in shown.content.decode()
        assert "The counter is lowered by 5" in asked
        assert (empty.status_code, done.status_code) == (422, 302)
        assert called.counter == 3
        assert browser.get(page).status_code == 302


def test_two_runs_at_once_are_refused() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(7041006)")
            begun.set()
            go_on.wait(10)
            cursor.execute("SELECT pg_advisory_unlock(7041006)")
        connections["default"].close()

    other = threading.Thread(target=hold)
    other.start()
    try:
        assert begun.wait(10)
        with pytest.raises(DriftRunning):
            compare()
    finally:
        go_on.set()
        other.join()


class TestReplayed:
    """With a node that answers, played by a thread with a connection of its own."""

    pytestmark = pytest.mark.django_db(transaction=True)

    def played(self, missing: list[Any], **result: Any) -> threading.Thread:
        """Answer the next replay: send what is missing, then report."""
        ShipperState.objects.create(
            node="node-1",
            oldest_unshipped_at=clock.now() + timedelta(hours=1),
            reported_at=clock.now(),
        )
        counts = {"call_count": 5, "known_count": 5, "unconfirmed_count": 0, "line_count": 5}
        found = {
            "covered_from": clock.now() - timedelta(days=90),
            "sent_count": len(missing),
            "unjournaled_count": 0,
            **counts,
            **result,
        }

        def answer() -> None:
            ends_at = clock.now() + timedelta(seconds=15)
            while not LogReplay.objects.filter(status=ReplayStatus.REQUESTED).exists():
                assert clock.now() < ends_at, "no replay was asked for"
                waiting.wait(0.02)
            if missing:
                send_and_process(missing)
            replay = LogReplay.objects.get(status=ReplayStatus.REQUESTED)
            finish_replay(replay_id=replay.pk, result=ReplayResult(**found), actor=SYSTEM)
            connections["default"].close()

        waiting = threading.Event()
        thread = threading.Thread(target=answer)
        thread.start()
        return thread

    def compare(self) -> DriftReport:
        return compare_counters(
            store=get_counters(), scope=DriftScope.RECENT, actor=SYSTEM, patience_s=20
        )

    def test_missing_calls_are_sent_again_instead_of_lowering(self) -> None:
        called = Called()
        send_and_process(called.call(3))
        thread = self.played(called.call(2))

        report = self.compare()
        thread.join()

        assert (report.status, report.repaired_count) == (DriftStatus.CORRECTED, 2)
        assert called.counter == called.counted == 5

    def test_counter_is_lowered_when_nothing_is_missing(self) -> None:
        called = Called()
        send_and_process(called.call(3))
        called.shift(4)
        thread = self.played([])

        report = self.compare()
        thread.join()

        assert (report.status, report.lowered_count) == (DriftStatus.CORRECTED, 1)
        assert called.counter == called.counted == 3

    def test_files_that_are_gone_prove_nothing(self) -> None:
        called = Called()
        send_and_process(called.call(3))
        called.shift(4)
        thread = self.played([], covered_from=clock.now())

        report = self.compare()
        thread.join()

        assert (report.status, report.lowered_count) == (DriftStatus.UNEXPLAINED, 0)
        assert "no longer has its files" in report.reason
        assert called.counter == 7

    def test_calls_that_go_on_meanwhile_are_neither_lost_nor_doubled(self) -> None:
        called = Called()
        send_and_process(called.call(10))
        called.shift(100_000)
        thread = self.played([])
        stop, made = threading.Event(), [0]

        def keep_calling() -> None:
            while not stop.is_set():
                send_and_process(called.call(3, at=clock.now()))
                made[0] += 3
            connections["default"].close()

        caller = threading.Thread(target=keep_calling)
        caller.start()
        try:
            report = self.compare()
        finally:
            stop.set()
            caller.join()
            thread.join()

        assert report.lowered_count == 1
        assert made[0] > 0
        # Calls of the seconds around the mark are not judged, so as much of the excess may be left, and never less.
        assert called.counted == 10 + made[0]
        assert 0 <= called.counter - called.counted <= made[0]


class TestReached:
    """What operators see and start."""

    def test_report_over_rest_and_in_the_back_office(
        self, api_client: Callable[..., APIClient], client_for: Callable[..., Client]
    ) -> None:
        called = Called()
        called.call(2)
        report = compare()
        operator = make_staff("operator")

        listed = api_client(operator).get(DRIFT).json()["data"]
        assert [row["status"] for row in listed] == ["unexplained"]
        one = api_client(operator).get(f"{DRIFT}/{report.public_id}").json()
        assert one["details"]["findings"][0]["subscription"] == called.sub_id
        assert api_client(operator).get(f"{DRIFT}/dri_x").status_code == 404
        client = client_for(operator)
        overview = client.get(reverse("admin:usage_drift")).content.decode()
        assert reverse("admin:usage_drift_report", args=[report.public_id]) in overview
        page = client.get(reverse("admin:usage_drift_report", args=[report.public_id]))
        assert called.sub_id in page.content.decode()

    def test_run_now_is_a_job(
        self, api_client: Callable[..., APIClient], client_for: Callable[..., Client]
    ) -> None:
        operator = make_staff("operator")
        answer = api_client(operator).post(DRIFT, {"scope": "all"}, format="json")
        assert answer.status_code == 202
        assert JobRun.objects.get().name == "usage.compare_all_counters"
        client_for(operator).post(reverse("admin:usage_drift_start"), {"scope": "recent"})
        assert JobRun.objects.filter(name="usage.compare_counters").count() == 1
        assert (
            client_for(make_staff("approver")).get(reverse("admin:usage_drift")).status_code == 403
        )

    @pytest.mark.parametrize("count", [1, 3])
    def test_list_takes_the_same_queries(
        self, count: int, api_client: Callable[..., APIClient], django_assert_num_queries: Any
    ) -> None:
        for _number in range(count):
            DriftReport.objects.create(scope="recent", started_at=clock.now())
        client = api_client(make_staff("operator"))
        with django_assert_num_queries(1):
            assert len(client.get(DRIFT).json()["data"]) == count


def test_replay_is_asked_for_and_told_to_the_shipper(api_client: Callable[..., APIClient]) -> None:
    body = {
        "shipper": {"node": "node-1", "oldest_unshipped_at": clock.now().isoformat()},
        "events": [],
    }
    shipper = api_client(PLATFORM)
    assert "replay" not in shipper.post("/api/v1/usage/events", body, format="json").json()
    operator = api_client(make_staff("operator"))
    asked = {
        "node": "node-1",
        "since": (clock.now() - timedelta(hours=1)).isoformat(),
        "until": clock.now().isoformat(),
        "reason": "support case",
    }
    replay = operator.post("/api/v1/admin/usage/replays", asked, format="json").json()
    again = operator.post("/api/v1/admin/usage/replays", asked, format="json")
    assert (again.status_code, again.json()["code"]) == (409, "replay_waiting")

    told = shipper.post("/api/v1/usage/events", body, format="json").json()["replay"]
    assert told["id"] == replay["id"]
    known = make_event(make_key().key.subscription)
    send_and_process([known])
    other = str(uuid7())
    missing = shipper.post(
        "/api/v1/usage/events/missing", {"ids": [known["id"], other]}, format="json"
    )
    assert missing.json() == {"missing": [other]}
    result = {
        "covered_from": asked["since"],
        "call_count": 2,
        "known_count": 1,
        "sent_count": 1,
        "unconfirmed_count": 0,
        "line_count": 2,
        "unjournaled_count": 0,
    }
    path = f"/api/v1/usage/replays/{replay['id']}/result"
    assert shipper.post(path, result, format="json").json()["status"] == "done"
    late = shipper.post(path, result, format="json")
    assert (late.status_code, late.json()["code"]) == (409, "replay_over")
    assert "replay" not in shipper.post("/api/v1/usage/events", body, format="json").json()
    shown = operator.get(f"/api/v1/admin/usage/replays/{replay['id']}").json()
    assert (shown["sent_count"], shown["reason"]) == (1, "support case")
    assert UsageBatch.objects.count() == 1
