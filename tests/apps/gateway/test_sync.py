"""The way of a wanted entry into Valkey, and the proof that it arrived: real Valkey, authorizers played by reports."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from django.db.models import F
from redis import Redis

from apps.apis.enums import ApiStatus
from apps.core import clock
from apps.gateway import nodes as node_notes
from apps.gateway import services, sync
from apps.gateway.enums import EntryKind, SyncState
from apps.gateway.models import AuthorizerNode, RegistryEntry, RegistryHead
from apps.gateway.store import names
from apps.gateway.store.functions import call_function
from apps.gateway.store.registry import Head, NodeReport, RegistryWriter
from apps.gateway.sync import RegistrySync, give_up_overdue
from apps.gateway.valkey import get_client, get_counters, get_writer
from apps.keys.enums import KeyStatus
from apps.keys.services import revoke_key, rotate_key, suspend_key
from apps.subscriptions.services import cancel_subscription, suspend_subscription
from tests.factories.accounts import OrganizationFactory
from tests.factories.apis import make_api
from tests.factories.keys import SYSTEM, make_key
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def empty_store() -> Iterator[Redis]:
    client = get_client()
    client.flushdb()
    node_notes._watch.leased = frozenset()
    yield client
    client.flushdb()


@pytest.fixture
def writer() -> RegistryWriter:
    return get_writer()


def report(head: Head | None, *, node: str = "a", lease_ms: int = 5000) -> None:
    """Be an authorizer that has applied everything up to a head."""
    assert head is not None
    body = NodeReport(
        epoch=head.epoch, version=head.version, started_at=0, state="serving", decisions=0
    )
    arguments = [node, msgspec.json.encode(body), lease_ms]
    call_function(get_client(), "tg1_report", [names.HEAD, names.NODES], arguments)


def held(writer: RegistryWriter) -> dict[str, Any]:
    return dict(writer.entries())


def entry_of(kind: EntryKind, subject_id: UUID) -> RegistryEntry:
    return RegistryEntry.objects.get(kind=kind, subject_id=subject_id)


def step_and_prove(writer: RegistryWriter) -> None:
    RegistrySync(writer).step()
    report(writer.head())
    RegistrySync(writer).step()


def make_overdue() -> None:
    RegistryEntry.objects.update(retry_at=clock.now() - timedelta(seconds=1))


def test_key_is_active_only_after_every_authorizer_proved_it(writer: RegistryWriter) -> None:
    issued = make_key(is_active=False)
    RegistrySync(writer).step()
    written = writer.head()
    report(Head(written.epoch, written.version), node="a")
    report(Head(written.epoch, written.version - 1), node="b")

    RegistrySync(writer).step()
    issued.key.refresh_from_db()
    assert issued.key.status == KeyStatus.PENDING
    assert entry_of(EntryKind.KEY, issued.key.pk).state == SyncState.WRITTEN

    report(written, node="b")
    RegistrySync(writer).step()
    issued.key.refresh_from_db()
    assert issued.key.status == KeyStatus.ACTIVE
    assert entry_of(EntryKind.KEY, issued.key.pk).state == SyncState.PROVEN
    assert list(AuthorizerNode.objects.values_list("name", flat=True)) == ["a", "b"]


def test_without_a_leased_authorizer_nothing_is_proven(writer: RegistryWriter) -> None:
    key = make_key(is_active=False).key
    RegistrySync(writer).step()
    report(writer.head(), lease_ms=0)

    RegistrySync(writer).step()

    key.refresh_from_db()
    assert key.status == KeyStatus.PENDING


def test_an_authorizer_of_another_epoch_holds_the_proof_up(writer: RegistryWriter) -> None:
    key = make_key(is_active=False).key
    RegistrySync(writer).step()
    head = writer.head()
    report(head, node="a")
    report(Head("older", head.version + 10), node="b")

    RegistrySync(writer).step()

    key.refresh_from_db()
    assert key.status == KeyStatus.PENDING


def test_registering_api_becomes_active_with_proof(writer: RegistryWriter) -> None:
    api = make_api(ApiStatus.REGISTERING)

    step_and_prove(writer)

    api.refresh_from_db()
    assert api.status == ApiStatus.ACTIVE
    assert f"route:{api.slug}" in held(writer)


def test_suspending_one_subscription_with_many_keys_is_one_entry(writer: RegistryWriter) -> None:
    subscription = make_subscription()
    for _ in range(3):
        make_key(subscription)
    step_and_prove(writer)
    before = writer.head().version

    suspend_subscription(subscription=subscription, actor=SYSTEM, reason="abuse")

    assert RegistryEntry.objects.filter(state=SyncState.WANTED).count() == 1
    RegistrySync(writer).step()
    assert writer.head().version == before + 1
    assert held(writer)[f"sub:{subscription.public_id}"].state == "suspended"


def test_revoked_key_leaves_the_registry_and_that_is_proven(writer: RegistryWriter) -> None:
    key = make_key().key
    step_and_prove(writer)
    assert f"key:{key.digest}" in held(writer)

    revoke_key(key=key, actor=SYSTEM)
    step_and_prove(writer)

    assert f"key:{key.digest}" not in held(writer)
    assert entry_of(EntryKind.KEY, key.pk).state == SyncState.PROVEN


def test_suspended_and_rotating_keys_are_told_apart(writer: RegistryWriter) -> None:
    suspended, rotating = make_key().key, make_key().key
    suspend_key(key=suspended, actor=SYSTEM)
    rotate_key(key=rotating, grace=timedelta(hours=1), actor=SYSTEM)

    RegistrySync(writer).step()

    entries = held(writer)
    assert entries[f"key:{suspended.digest}"].state == "suspended"
    assert entries[f"key:{rotating.digest}"].state == "rotating"
    assert entries[f"key:{rotating.digest}"].expires_at < (time.time() + 3700) * 1000


def test_ended_subscription_leaves_the_registry_with_its_keys(writer: RegistryWriter) -> None:
    key = make_key().key
    RegistrySync(writer).step()

    cancel_subscription(subscription=key.subscription, actor=SYSTEM, reason="")
    RegistrySync(writer).step()

    assert [name for name in held(writer) if not name.startswith("route:")] == []


def test_change_between_writing_and_marking_is_written_again(writer: RegistryWriter) -> None:
    key = make_key().key
    sync.known_head()
    batch = sync._take_batch()
    assert batch is not None
    head, rows = batch
    suspend_key(key=key, actor=SYSTEM)

    sync._mark_written(head.version)

    assert entry_of(EntryKind.KEY, key.pk).state == SyncState.WANTED
    others = RegistryEntry.objects.exclude(kind=EntryKind.KEY)
    assert set(others.values_list("state", flat=True)) == {SyncState.WRITTEN}
    assert len(rows) == 3


def test_death_between_version_and_writing_loses_nothing(writer: RegistryWriter) -> None:
    key = make_key(is_active=False).key
    sync.known_head()
    sync._take_batch()

    step_and_prove(writer)

    key.refresh_from_db()
    assert key.status == KeyStatus.ACTIVE


def test_emptied_store_is_rebuilt_under_a_new_epoch(
    writer: RegistryWriter, empty_store: Redis
) -> None:
    key = make_key().key
    step_and_prove(writer)
    before, entries_before = writer.head(), held(writer)
    empty_store.flushdb()

    RegistrySync(writer).step()

    after = writer.head()
    assert after.epoch != before.epoch
    assert after.version > before.version
    assert held(writer) == entries_before
    assert f"key:{key.digest}" in entries_before


def test_store_that_ran_ahead_of_postgres_is_rebuilt_above_it(writer: RegistryWriter) -> None:
    make_key()
    RegistrySync(writer).step()
    RegistryHead.objects.update(version=1)
    ahead = writer.head().version + 5
    writer.apply([], epoch=writer.head().epoch, version=ahead)

    RegistrySync(writer).step()

    assert writer.head().version == ahead + 1
    assert RegistryHead.objects.get().version == ahead + 1


def test_counters_exist_before_the_subscription_is_served(writer: RegistryWriter) -> None:
    subscription = make_subscription()

    RegistrySync(writer).step()

    quota = held(writer)[f"sub:{subscription.public_id}"].quota
    counters = get_counters().read(
        org_id=subscription.consumer_organization.public_id, sub_id=subscription.public_id
    )
    assert counters == {period.start: 0 for period in quota.periods}
    assert len(counters) == 2


def test_next_period_is_served_when_this_one_is_over(writer: RegistryWriter) -> None:
    subscription = make_subscription(consumer=OrganizationFactory(is_sandbox=True))
    RegistrySync(writer).step()
    first = held(writer)[f"sub:{subscription.public_id}"].quota.periods
    account = subscription.consumer_organization
    type(account).objects.filter(pk=account.pk).update(
        clock_offset=F("clock_offset") + timedelta(days=32)
    )
    RegistryEntry.objects.filter(kind=EntryKind.SUBSCRIPTION).update(refresh_at=clock.now())

    RegistrySync(writer).step()

    second = held(writer)[f"sub:{subscription.public_id}"]
    assert second.quota.periods[0] == first[1]
    assert second.clock_offset_ms == 32 * 86_400_000


def test_no_proof_in_time_fails_after_five_tries_and_heals_later(writer: RegistryWriter) -> None:
    key = make_key(is_active=False).key
    for _ in range(sync.MAX_ATTEMPTS):
        RegistrySync(writer).step()
        make_overdue()
        give_up_overdue()
    key.refresh_from_db()
    assert key.status == KeyStatus.FAILED_SYNC
    assert entry_of(EntryKind.KEY, key.pk).state == SyncState.FAILED

    make_overdue()
    give_up_overdue()
    step_and_prove(writer)

    key.refresh_from_db()
    assert key.status == KeyStatus.ACTIVE


def test_waits_for_a_proof_double_up_to_thirty_seconds() -> None:
    make_key(is_active=False)
    waits = []
    for _ in range(7):
        make_overdue()
        give_up_overdue()
        row = RegistryEntry.objects.filter(kind=EntryKind.KEY).get()
        waits.append(round((row.retry_at - clock.now()).total_seconds()))

    assert waits == [2, 4, 8, 16, 30, 30, 30]


def test_entries_that_wait_for_their_turn_are_not_overdue(
    writer: RegistryWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    RegistrySync(writer).step()
    make_key(is_active=False)
    monkeypatch.setattr(sync, "BATCH_SIZE", 1)
    for _ in range(2):
        make_overdue()
        RegistrySync(writer).step()
        report(writer.head())

    assert set(RegistryEntry.objects.values_list("attempts", flat=True)) == {0}


def test_store_away_fails_the_key_and_raises_nothing() -> None:
    key = make_key(is_active=False).key
    away = RegistryWriter(Redis(host="127.0.0.1", port=1, socket_connect_timeout=0.1))
    for _ in range(sync.MAX_ATTEMPTS):
        make_overdue()
        assert RegistrySync(away).step() is False

    key.refresh_from_db()
    assert key.status == KeyStatus.FAILED_SYNC


def test_unchanged_entry_is_no_news() -> None:
    subscription = make_subscription()

    assert services.want_subscription(subscription.pk) is False


def test_upstream_secrets_are_sealed_in_postgres_and_open_in_valkey(
    writer: RegistryWriter,
) -> None:
    api = make_api()
    api.upstream_secrets.create(header_name="X-Upstream-Token", value="s3cret-value")
    services.want_route(api.pk)

    row = entry_of(EntryKind.ROUTE, api.pk)
    stored = RegistryEntry.objects.filter(pk=row.pk).extra(select={"raw": "sealed"}).get()
    assert "s3cret-value" not in str(row.payload)
    assert "s3cret-value" not in stored.raw
    RegistrySync(writer).step()
    assert held(writer)[f"route:{api.slug}"].upstream_headers == (
        ("X-Upstream-Token", "s3cret-value"),
    )
