"""Months of calls leave the database only when an archive proves that it holds them, or nobody needs them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command

from apps.accounts.models import Membership
from apps.billing.proofs import prove_line
from apps.billing.selectors import get_line
from apps.core import clock
from apps.core.exceptions import NotFound
from apps.core.ids import uuid7
from apps.core.models import AuditEvent
from apps.core.partitions import make_partition, month_of, stored_months
from apps.subscriptions.models import Subscription
from apps.usage.archive_files import ArchiveFile
from apps.usage.call_ranges import CallRange
from apps.usage.enums import ArchiveStatus
from apps.usage.exceptions import ArchiveDamaged, MonthNotArchivable
from apps.usage.models import UsageArchive, UsageEvent, UsageEventKey, UsageWindow
from apps.usage.retention import NO_END, needed_until
from apps.usage.selectors import events_between, get_call
from apps.usage.services import (
    forget_identities,
    keep_retention,
    release_month,
    verify_archive,
    write_archive,
)
from apps.usage.services.retention import verify_old_archives
from tests.clients import api_client, client_for
from tests.factories.accounts import actor_of, make_member, make_staff
from tests.factories.archives import (
    JANUARY,
    SYSTEM,
    TABLE,
    archive_january,
    make_january_calls,
)
from tests.factories.billing import close_month, make_billed_subscription, make_calls
from tests.factories.direct import make_subscription_row
from tests.factories.exports import make_export, rows_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def consumer() -> Membership:
    return make_member("owner")


@pytest.fixture
def subscription(consumer: Membership) -> Subscription:
    return make_subscription_row(consumer=consumer.organization)


def damage(archive: UsageArchive, at: int) -> None:
    """Flip one bit of the file."""
    with Path(default_storage.path(archive.file_name)).open("r+b") as file:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 1]))


def test_partition_takes_over_what_the_default_holds(subscription: Subscription) -> None:
    ids = make_calls(subscription, JANUARY.start, JANUARY.end - timedelta(microseconds=1))
    make_calls(subscription, JANUARY.end)
    assert make_partition(TABLE, JANUARY)
    assert not make_partition(TABLE, JANUARY), "there it is already"
    assert stored_months(TABLE) == [JANUARY]
    assert UsageEvent.objects.count() == 3
    stored = UsageEvent.objects.raw("SELECT * FROM usage_usageevent_y2025m01")
    assert {str(event.event_id) for event in stored} == set(ids)


def test_month_moves_into_its_archive(subscription: Subscription) -> None:
    ids = make_january_calls(subscription)
    make_january_calls(make_subscription_row(), count=2)
    recent = make_calls(subscription, clock.now())

    archive = write_archive(month=JANUARY, actor=SYSTEM)
    assert archive.status == ArchiveStatus.VERIFIED
    assert UsageEvent.objects.count() == 6, "written and verified, nothing is dropped"
    archive = release_month(archive=archive, actor=SYSTEM)

    assert archive.status == ArchiveStatus.ONLY_COPY
    assert archive.row_count == 5
    assert stored_months(TABLE) == []
    assert [str(event.event_id) for event in UsageEvent.objects.all()] == recent
    assert UsageWindow.objects.count() == 6, "windows are kept"
    with default_storage.open(archive.file_name, "rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == archive.sha256
    actions = AuditEvent.objects.filter(target_id=archive.pk).values_list("action", flat=True)
    assert set(actions) == {"usage:archive:checked", "usage:archive:released"}
    assert str(archive.min_id) == min(ids)


def test_readers_find_archived_calls(consumer: Membership, subscription: Subscription) -> None:
    ids = make_january_calls(subscription)
    others = make_january_calls(make_subscription_row(), count=1)
    failed = make_calls(subscription, datetime(2025, 1, 20, tzinfo=UTC), status=500, path="/v9/x")
    recent = make_calls(subscription, clock.now())
    before = {str(event.event_id): event for event in UsageEvent.objects.all()}
    archive_january()

    period = month_of(2025, 1).start, clock.now() + timedelta(days=1)
    whole = CallRange(period=type(JANUARY)(*period), subscription_id=subscription.pk)
    found = list(events_between(whole))
    assert [str(event.event_id) for event in found] == [*ids, *failed, *recent]
    for event in found:
        known = before[str(event.event_id)]
        for field in UsageEvent._meta.concrete_fields:
            assert getattr(event, field.attname) == getattr(known, field.attname), field.attname

    def ids_of(**narrowed: Any) -> list[str]:
        calls = CallRange(period=JANUARY, **narrowed)
        return [str(event.event_id) for event in events_between(calls)]

    assert sorted(ids_of()) == sorted([*ids, *others, *failed])
    assert ids_of(statuses=(500, 600)) == ids_of(path_contains="v9") == failed
    assert ids_of(subscription_id=subscription.pk, billable_only=True) == ids
    assert ids_of(provider_id=uuid7()) == []
    assert ids_of(subscription_id=subscription.pk, without=frozenset(map(UUID, ids))) == failed

    assert get_call(actor_of(consumer), UUID(ids[0])).path == "/v1/cities"
    with pytest.raises(NotFound):
        get_call(actor_of(consumer), UUID(others[0]))
    with pytest.raises(NotFound):
        get_call(actor_of(consumer), uuid7())
    days = {"period": "custom", "first_day": "2025-01-01", "last_day": "2025-01-31"}
    rows = rows_of(make_export(consumer, **days))
    assert [row["call_id"] for row in rows] == [*ids, *failed]


def test_proof_reads_the_archive(consumer: Membership) -> None:
    subscription = make_billed_subscription(consumer=consumer.organization)
    ids = make_january_calls(subscription, count=5)
    invoice = close_month(subscription)
    line = invoice.lines.get(charge__meter="calls")
    path = f"/api/v1/billing/invoices/{invoice.public_id}/lines/{line.public_id}/proof"
    client, browser = api_client(consumer), client_for(consumer)
    before = client.get(path, {"limit": 2}).json()
    archive = archive_january()

    after = client.get(path, {"limit": 2}).json()
    assert after["recomputed"] == before["recomputed"]
    assert after["recomputed"]["is_proven"]
    assert after["events"]["data"] == before["events"]["data"]
    seen = []
    page = after
    while True:
        seen += [row["id"] for row in page["events"]["data"]]
        if page["events"]["next"] is None:
            break
        page = client.get(page["events"]["next"]).json()
    assert seen == ids[::-1]
    assert client.get(path, {"cursor": "bm9uc2Vuc2U="}).status_code == 404
    shown = browser.get(f"/console/billing/lines/{line.public_id}/")
    assert shown.status_code == 200
    assert ids[0] in shown.content.decode()
    assert prove_line(get_line(actor_of(consumer), line.public_id)).recomputed.calls == 5

    damage(archive, archive.row_groups[0]["start"] + 30)
    broken = client.get(path)
    assert (broken.status_code, broken.json()["code"]) == (500, "archive_damaged")
    assert "2025-01" in broken.json()["detail"]


@pytest.mark.parametrize("where", ["row group", "footer", "missing"])
def test_tampering_is_told(subscription: Subscription, where: str) -> None:
    make_january_calls(subscription)
    archive = archive_january()
    if where == "missing":
        default_storage.delete(archive.file_name)
    else:
        part = archive.layout["footer"] if where == "footer" else archive.row_groups[0]
        damage(archive, part["start"] + part["length"] // 2)

    with pytest.raises(ArchiveDamaged):
        list(events_between(CallRange(period=JANUARY)))
    with pytest.raises(ArchiveDamaged):
        verify_archive(archive=archive, actor=SYSTEM)
    archive.refresh_from_db()
    assert "2025-01" in archive.problem


def test_file_that_was_written_wrong_is_not_released(
    subscription: Subscription, monkeypatch: Any
) -> None:
    """A call that comes after the file was written keeps the month in the database."""
    make_january_calls(subscription)
    archive = write_archive(month=JANUARY, actor=SYSTEM)
    make_calls(subscription, datetime(2025, 1, 30, tzinfo=UTC))

    with pytest.raises(MonthNotArchivable):
        release_month(archive=archive, actor=SYSTEM)
    assert stored_months(TABLE) == [JANUARY]

    again = write_archive(month=JANUARY, actor=SYSTEM)
    assert again.pk == archive.pk
    assert again.row_count == 4
    assert release_month(archive=again, actor=SYSTEM).status == ArchiveStatus.ONLY_COPY
    with pytest.raises(MonthNotArchivable):
        write_archive(month=JANUARY, actor=SYSTEM)


def test_reads_only_row_groups_that_can_hold_it(
    subscription: Subscription, monkeypatch: Any
) -> None:
    monkeypatch.setattr("apps.usage.services.archiving.GROUP_ROWS", 2)
    other = make_subscription_row()
    ids = make_january_calls(subscription, count=4)
    make_january_calls(other, count=4)
    archive = archive_january()
    assert len(archive.row_groups) == 4
    with ArchiveFile(archive) as file:
        one = subscription.pk.bytes
        assert len(file.groups_within({"subscription_id": (one, one)})) == 2
        late = datetime(2025, 1, 5, 18, tzinfo=UTC)
        bounds = {"subscription_id": (one, one), "occurred_at": (late, JANUARY.end)}
        assert len(file.groups_within(bounds)) == 1
    newest = list(events_between(CallRange(period=JANUARY, subscription_id=subscription.pk)))
    assert [str(event.event_id) for event in newest] == ids
    # What is not read may be damaged without anybody's harm; what is read may not.
    damage(archive, archive.row_groups[0]["start"] + 20)
    damage(archive, archive.row_groups[1]["start"] + 20)
    first, last = sorted((subscription.pk, other.pk))
    assert len(list(events_between(CallRange(period=JANUARY, subscription_id=last)))) == 4
    with pytest.raises(ArchiveDamaged):
        list(events_between(CallRange(period=JANUARY, subscription_id=first)))


def test_young_and_unknown_months_stay(subscription: Subscription) -> None:
    now = clock.now()
    with pytest.raises(MonthNotArchivable, match="still accepted"):
        write_archive(month=month_of(now.year, now.month - 1), actor=SYSTEM)
    with pytest.raises(MonthNotArchivable, match="no partition"):
        write_archive(month=month_of(2024, 6), actor=SYSTEM)


def test_months_are_dropped_when_nobody_needs_them(
    subscription: Subscription,
    settings: Any,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    settings.USAGE_EVENTS_KEPT_MONTHS = 240
    make_january_calls(subscription)
    archive = archive_january()
    make_partition(TABLE, month_of(2025, 2))
    make_calls(subscription, datetime(2025, 2, 3, tzinfo=UTC))
    assert keep_retention(actor=SYSTEM).removed == []

    settings.USAGE_EVENTS_KEPT_MONTHS = 2
    with django_capture_on_commit_callbacks(execute=True):
        assert keep_retention(actor=SYSTEM).removed == ["2025-01", "2025-02"]

    assert stored_months(TABLE) == []
    assert not UsageEvent.objects.exists()
    assert UsageWindow.objects.count() == 4
    rows = UsageArchive.objects.values_list("status", "file_name")
    assert set(rows) == {(ArchiveStatus.REMOVED, "")}
    assert not default_storage.exists(archive.file_name)
    assert keep_retention(actor=SYSTEM).removed == []


def test_invoices_keep_their_calls(consumer: Membership, settings: Any) -> None:
    settings.USAGE_EVENTS_KEPT_MONTHS = 2
    assert needed_until(JANUARY) == datetime(2025, 4, 1, tzinfo=UTC)
    subscription = make_billed_subscription(consumer=consumer.organization)
    make_january_calls(subscription)
    assert needed_until(JANUARY) == NO_END, "the period is open"
    assert keep_retention(actor=SYSTEM).removed == []

    invoice = close_month(subscription)

    assert invoice.issued_at is not None
    until = needed_until(JANUARY)
    assert timedelta(days=58) < until - invoice.issued_at < timedelta(days=63)
    assert keep_retention(actor=SYSTEM).removed == []


def test_early_removal_only_into_archives(subscription: Subscription, settings: Any) -> None:
    settings.USAGE_EVENTS_KEPT_MONTHS = 240
    make_january_calls(subscription)
    assert keep_retention(actor=SYSTEM).archived == []
    settings.USAGE_ARCHIVE_AFTER_MONTHS = 2
    run = keep_retention(actor=SYSTEM)
    assert (run.archived, run.removed, run.postponed) == (["2025-01"], [], [])
    assert len(list(events_between(CallRange(period=JANUARY)))) == 3


def test_identities_are_forgotten_but_nothing_counts_twice(subscription: Subscription) -> None:
    old = make_january_calls(subscription)
    make_calls(subscription, clock.now())
    assert forget_identities() == 3
    assert UsageEventKey.objects.count() == 1
    viewer = actor_of(make_member("viewer", organization=subscription.consumer_organization))
    assert str(get_call(viewer, UUID(old[0])).event_id) == old[0]

    def send_again() -> None:
        times = [datetime(2025, 1, 3 + day, 12, tzinfo=UTC) for day in range(3)]
        for event_id, at in zip(old, times, strict=True):
            make_calls(subscription, at, id=event_id)

    send_again()
    assert UsageEvent.objects.count() == 4
    archive_january()
    send_again()
    assert UsageEvent.objects.count() == 1
    assert sum(window.event_count for window in UsageWindow.objects.all()) == 4


def test_command_archives_a_month(subscription: Subscription, capsys: Any) -> None:
    make_january_calls(subscription)
    call_command("archive_usage", "--month", "2025-01", "--dry-run")
    assert "3 calls would be archived" in capsys.readouterr().out
    assert not UsageArchive.objects.exists()
    call_command("archive_usage", "--month", "2025-01", "--keep-partition")
    assert "verified, 3 calls" in capsys.readouterr().out
    call_command("archive_usage", "--month", "2025-01")
    assert "only_copy, 3 calls" in capsys.readouterr().out
    with pytest.raises(CommandError, match="no partition"):
        call_command("archive_usage", "--month", "2025-01")
    with pytest.raises(CommandError, match="YYYY-MM"):
        call_command("archive_usage", "--month", "January")


def test_operators_see_and_verify_archives(subscription: Subscription) -> None:
    make_january_calls(subscription)
    archive = archive_january()
    staff = make_staff("operator")
    client, browser = api_client(staff), client_for(staff)
    (row,) = client.get("/api/v1/admin/usage/archives").json()["data"]
    assert (row["month"], row["status"], row["row_count"]) == ("2025-01", "only_copy", 3)
    path = f"/api/v1/admin/usage/archives/{archive.public_id}"
    assert client.get(path).json()["sha256"] == archive.sha256
    assert client.get("/api/v1/admin/usage/archives/arc_nonsense").status_code == 404
    assert client.post(f"{path}/verify").json()["problem"] == ""
    admin = "/backoffice/usage/usagearchive/"
    chosen = {"action": "verify", "_selected_action": [str(archive.pk)]}
    assert "is what was written" in browser.post(admin, chosen, follow=True).content.decode()

    damage(archive, archive.row_groups[0]["start"])

    UsageArchive.objects.update(verified_at=clock.now() - timedelta(days=31))
    assert verify_old_archives(actor=SYSTEM) == {"verified": 0, "damaged": 1}
    assert "Archives of calls that cannot be read" in browser.get("/backoffice/").content.decode()
    assert client.post(f"{path}/verify").json()["code"] == "archive_damaged"
    assert "cannot be used" in browser.post(admin, chosen, follow=True).content.decode()
    assert client.get(path).json()["problem"] != ""
