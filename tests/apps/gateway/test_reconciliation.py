"""Drift between Postgres and Valkey is reported by kind, and healed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from apps.core.actors import Actor
from apps.gateway import services
from apps.gateway.entries import encode_entry
from apps.gateway.models import ReconciliationReport, RegistryEntry
from apps.gateway.reconciliation import reconcile
from apps.gateway.store import names
from apps.gateway.sync import RegistrySync
from apps.gateway.valkey import get_client, get_counters, get_writer
from apps.subscriptions import usage_sources
from tests.apps.gateway.test_sync import held, step_and_prove
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
    client.hset(
        names.ENTRIES,
        subscription,
        encode_entry(before[subscription]).replace(b'"active"', b'"paused"'),
    )

    report = run()

    assert counts(report) == (1, 1, 1, 3)
    assert report.details["missing"] == [f"key:{key.digest}"]
    assert report.details["orphaned"] == ["route:stranger"]
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
