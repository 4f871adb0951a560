"""Drift between Postgres and Valkey is reported by kind, and healed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connections
from redis import Redis

from apps.apis.enums import ApiStatus
from apps.apis.models import Api
from apps.core import clock
from apps.core.actors import Actor
from apps.gateway import services
from apps.gateway.entries import encode_entry
from apps.gateway.enums import ReportStatus
from apps.gateway.exceptions import ReconciliationRunning
from apps.gateway.models import ReconciliationReport, RegistryEntry
from apps.gateway.reconciliation import reconcile
from apps.gateway.reconciliation.run import LOCK_ID
from apps.gateway.registration import fail_registration
from apps.gateway.store import names
from apps.gateway.store.registry import RegistryWriter
from apps.gateway.sync import RegistrySync
from apps.gateway.tasks import reconcile_registry
from apps.gateway.valkey import get_client, get_counters, get_writer
from apps.notifications.models import Notification
from apps.subscriptions import usage_sources
from tests.apps.gateway.test_sync import held, step_and_prove
from tests.factories.accounts import make_staff
from tests.factories.apis import make_api
from tests.factories.keys import make_key

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def empty_store() -> Iterator[None]:
    get_client().flushdb()
    yield
    get_client().flushdb()


def run() -> ReconciliationReport:
    return reconcile(writer=get_writer(), counters=get_counters(), actor=Actor.system("tests"))


def counts(report: ReconciliationReport) -> tuple[int, int, int, int]:
    return (
        report.missing_count,
        report.orphaned_count,
        report.different_count,
        report.healed_count,
    )


def test_reconcile_without_drift_finds_nothing() -> None:
    make_key()
    step_and_prove(get_writer())

    report = run()

    assert (report.checked_count, counts(report)) == (3, (0, 0, 0, 0))


def test_reconcile_reports_and_heals_each_kind_of_drift() -> None:
    key = make_key().key
    writer, client = get_writer(), get_client()
    step_and_prove(writer)
    before = held(writer)
    route = next(name for name in before if name.startswith("route:"))
    subscription = f"sub:{key.subscription.public_id}"
    client.hdel(names.ENTRIES, f"key:{key.digest}")
    client.hset(names.ENTRIES, "route:stranger", encode_entry(before[route]))
    orphan = f"key:{'f' * 64}"
    client.hset(names.ENTRIES, orphan, encode_entry(before[f"key:{key.digest}"]))
    client.hset(
        names.ENTRIES,
        subscription,
        encode_entry(before[subscription]).replace(b'"active"', b'"paused"'),
    )

    report = run()

    assert counts(report) == (1, 2, 1, 4)
    assert report.details["missing"] == [f"key:{key.digest}"]
    assert sorted(report.details["orphaned"]) == [orphan, "route:stranger"]
    assert report.details["different"] == [subscription]
    RegistrySync(writer).step()
    assert held(writer) == before
    step_and_prove(writer)
    assert counts(run()) == (0, 0, 0, 0)


def test_reconcile_heals_what_a_lost_event_left_behind() -> None:
    key = make_key().key
    step_and_prove(get_writer())
    RegistryEntry.objects.filter(subject_id=key.pk).delete()

    report = run()

    assert report.details["computed_again"] == 1
    assert RegistryEntry.objects.filter(subject_id=key.pk).exists()


def test_entries_on_their_way_are_not_judged() -> None:
    key = make_key().key
    step_and_prove(get_writer())
    RegistryEntry.objects.filter(subject_id=key.pk).delete()
    services.want_key(key.pk)

    assert counts(run()) == (0, 0, 0, 0)


def test_reconcile_creates_counters_that_are_missing() -> None:
    subscription = make_key().key.subscription
    step_and_prove(get_writer())
    organization = subscription.consumer_organization
    get_counters().drop(org_id=organization.public_id, sub_id=subscription.public_id)

    run()

    found = get_counters().read(org_id=organization.public_id, sub_id=subscription.public_id)
    assert list(found.values()) == [0, 0]


def test_reconcile_raises_a_counter_that_is_below_the_windows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    subscription = make_key().key.subscription
    step_and_prove(get_writer())
    monkeypatch.setattr(usage_sources, "_sources", [lambda asked: dict.fromkeys(asked, 7)])

    run()

    organization = subscription.consumer_organization
    found = get_counters().read(org_id=organization.public_id, sub_id=subscription.public_id)
    assert list(found.values()) == [7, 7]


def away() -> RegistryWriter:
    return RegistryWriter(Redis(host="127.0.0.1", port=1, socket_connect_timeout=0.1))


def let_healing_take_effect() -> None:
    ReconciliationReport.objects.update(finished_at=clock.now() - timedelta(minutes=15))


def test_run_without_valkey_is_reported_as_failed_and_the_next_one_is_well() -> None:
    make_key()
    step_and_prove(get_writer())

    report = reconcile(writer=away(), counters=get_counters(), actor=Actor.system("tests"))

    assert report.status == ReportStatus.FAILED
    assert report.reason.startswith("Valkey did not answer")
    assert run().status == ReportStatus.HEALTHY


def test_run_without_drift_is_healthy_and_one_with_drift_healed() -> None:
    key = make_key().key
    step_and_prove(get_writer())
    assert run().status == ReportStatus.HEALTHY

    get_client().hdel(names.ENTRIES, f"key:{key.digest}")

    assert run().status == ReportStatus.HEALED


def test_drift_that_comes_back_fails_and_tells_operators_once() -> None:
    operator = make_staff("operator")
    key = make_key().key
    for _ in range(3):
        step_and_prove(get_writer())
        get_client().hdel(names.ENTRIES, f"key:{key.digest}")
        let_healing_take_effect()
        last = run()

    assert last.status == ReportStatus.FAILED
    assert f"key:{key.digest}" in last.reason
    told = Notification.objects.get(user=operator)
    assert (told.kind, told.organization) == ("gateway.reconciliation_failed", None)
    statuses = ReconciliationReport.objects.order_by("started_at").values_list("status", flat=True)
    assert list(statuses) == ["healed", "failed", "failed"]


def test_drift_without_an_authorizer_fails_because_nothing_can_be_proven() -> None:
    key = make_key().key
    step_and_prove(get_writer())
    get_client().delete(names.NODES)
    get_client().hdel(names.ENTRIES, f"key:{key.digest}")

    report = run()

    assert (report.status, report.missing_count) == (ReportStatus.FAILED, 1)
    assert "No authorizer is serving" in report.reason


def test_emptied_registry_is_left_to_the_relay() -> None:
    make_key()
    step_and_prove(get_writer())
    before = held(get_writer())
    get_client().flushdb()

    report = run()

    assert report.missing_count == 3
    assert set(RegistryEntry.objects.values_list("state", flat=True)) == {"proven"}
    RegistrySync(get_writer()).step()
    assert held(get_writer()) == before


def test_entry_of_a_row_that_is_gone_is_taken_out() -> None:
    make_key()
    step_and_prove(get_writer())
    RegistryEntry.objects.filter(kind="key").update(subject_id=uuid4(), key="gone")

    assert run().details["computed_again"] == 2
    step_and_prove(get_writer())
    names_held = held(get_writer())
    assert "key:gone" not in names_held


def test_registration_that_the_gateway_failed_is_asked_for_again() -> None:
    api = make_api(ApiStatus.REGISTERING)
    step_and_prove(get_writer())
    other = make_api(ApiStatus.REGISTERING)
    fail_registration(other.pk, reason="no proof", is_gateways_fault=True)

    assert run().details["registrations_retried"] == 1

    step_and_prove(get_writer())
    statuses = Api.objects.filter(pk__in=[api.pk, other.pk]).values_list("status", flat=True)
    assert set(statuses) == {ApiStatus.ACTIVE}


def test_two_runs_at_once_are_refused() -> None:
    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK_ID])
        with pytest.raises(ReconciliationRunning):
            run()
        cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK_ID])
    other.close()


@pytest.mark.parametrize("count", [1, 3])
def test_run_takes_the_same_queries_however_many_entries_it_compares(
    count: int, django_assert_num_queries: pytest.FixtureRequest
) -> None:
    for _ in range(count):
        make_key()
    step_and_prove(get_writer())

    with django_assert_num_queries(40):  # type: ignore[operator]  # pytest-django's fixture is a function
        run()


def test_job_answers_with_the_report() -> None:
    result = reconcile_registry.apply().get()

    report = ReconciliationReport.objects.get()
    assert (result["report"], result["status"]) == (report.public_id, report.status)
    assert report.started_by == "gateway.reconcile"
