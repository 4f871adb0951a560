"""Exports agree with the records, show each side its own, and end as they should."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import connection

from apps.accounts.models import Membership
from apps.core import clock
from apps.core.ids import uuid7
from apps.core.models import AuditEvent, JobRun
from apps.notifications.models import Notification
from apps.subscriptions.models import Subscription
from apps.usage.call_ranges import CallRange
from apps.usage.chosen_period import choose_period
from apps.usage.enums import ExportSide, ExportStatus, ExportSubject
from apps.usage.exceptions import ExportTooLarge, TooManyExports
from apps.usage.export_columns import columns_of
from apps.usage.models import UsageEvent, UsageExport
from apps.usage.selectors import own_windows
from apps.usage.selectors.history import CHUNK_ROWS, chunks_between
from apps.usage.series import usage_series
from apps.usage.services import cancel_export, expire_exports, write_export
from apps.usage.tasks import write_export as write_export_job
from tests.factories.accounts import actor_of, make_member
from tests.factories.billing import make_calls
from tests.factories.direct import add_window, make_subscription_row
from tests.factories.exports import ask_export, make_export, rows_of, write

pytestmark = pytest.mark.django_db

FORMATS = ("csv", "ndjson", "parquet")


@pytest.fixture
def consumer() -> Membership:
    return make_member("viewer")


@pytest.fixture
def provider() -> Membership:
    return make_member("viewer")


@pytest.fixture
def subscription(consumer: Membership, provider: Membership) -> Subscription:
    return make_subscription_row(consumer=consumer.organization, provider=provider.organization)


@pytest.fixture
def calls(subscription: Subscription) -> list[str]:
    """Five calls of the consumer, two of them failed, and one of somebody else."""
    now = clock.now()
    make_calls(make_subscription_row(), now)
    good = [now - timedelta(hours=hours) for hours in (50, 26, 3)]
    return [
        *make_calls(subscription, *good),
        *make_calls(subscription, now - timedelta(hours=2), status=404),
        *make_calls(subscription, now - timedelta(hours=1), status=503, path="/v1/rivers"),
    ]


@pytest.mark.parametrize("file_format", FORMATS)
def test_calls_agree_with_records_and_totals(
    consumer: Membership, calls: list[str], file_format: str
) -> None:
    """U13: the file, the raw records and the analytics of the same period say the same."""
    export = make_export(consumer, file_format=file_format, period="7d")
    rows = rows_of(export)

    assert [row["call_id"] for row in rows] == calls
    records = UsageEvent.objects.filter(consumer_organization_id=consumer.organization_id)
    assert {row["request_id"] for row in rows} == {record.request_id for record in records}
    period = choose_period(consumer.organization, key="7d").period
    windows = own_windows(actor_of(consumer))
    points = usage_series(windows, period=period, by_day=True)
    assert len(rows) == export.row_count == sum(point.events for point in points)
    billed = sum(row["billed"] in (True, "true") for row in rows)
    assert billed == sum(point.calls for point in points)
    failed = sum(int(row["status"]) >= 400 for row in rows)
    assert failed == sum(point.errors for point in points)


def test_cells_are_written_for_programs(consumer: Membership, subscription: Subscription) -> None:
    at = datetime.combine(clock.now().date(), datetime.min.time(), UTC)
    make_calls(subscription, at)
    add_window(subscription, at=at - timedelta(hours=1), calls=7)

    (row,) = rows_of(make_export(consumer))
    assert row["time"] == f"{at:%Y-%m-%d}T00:00:00Z"
    assert row["subscription_id"] == subscription.public_id
    assert row["key_id"] == ""
    (json_row,) = rows_of(make_export(consumer, file_format="ndjson"))
    assert json_row["key_id"] is None
    assert json_row["status"] == 200
    (typed,) = rows_of(make_export(consumer, file_format="parquet"))
    assert typed["time"] == at

    windows = {"subject": "windows", "period": "7d"}
    assert [row["quantity"] for row in rows_of(make_export(consumer, **windows))] == ["7", "1"]
    typed_windows = rows_of(make_export(consumer, **windows, file_format="parquet"))
    assert [row["quantity"] for row in typed_windows] == [Decimal(7), Decimal(1)]


def test_no_cell_is_a_formula(consumer: Membership, subscription: Subscription) -> None:
    for start in ("=", "+", "-", "@"):
        make_calls(subscription, clock.now(), path=f"{start}cmd|'/c calc'!A1")
    make_calls(subscription, clock.now(), path='/v1/a,"b"')

    paths = [row["path"] for row in rows_of(make_export(consumer))]
    assert all(path.startswith(("'", "/")) for path in paths)
    assert '/v1/a,"b"' in paths
    plain = [row["path"] for row in rows_of(make_export(consumer, file_format="ndjson"))]
    assert any(path.startswith("=") for path in plain)


def test_series_has_every_step(consumer: Membership, calls: list[str]) -> None:
    days = rows_of(make_export(consumer, subject="series", period="7d"))
    hours = rows_of(make_export(consumer, subject="series", period="24h", by_day=False))
    assert len(days) == 7
    assert len(hours) == 24
    assert sum(int(row["calls"]) for row in days) == len(calls)
    assert sum(int(row["failed_calls"]) for row in hours) == 2


def test_each_side_gets_its_own_fields(
    provider: Membership, subscription: Subscription, calls: list[str]
) -> None:
    rows = rows_of(make_export(provider, side="provider"))
    assert len(rows) == len(calls)
    organization = subscription.consumer_organization
    assert {row["consumer_organization_id"] for row in rows} == {organization.public_id}
    assert "key_id" not in rows[0]
    assert rows_of(make_export(provider, side="consumer")) == []


def test_filters_narrow_calls(
    consumer: Membership, subscription: Subscription, calls: list[str]
) -> None:
    make_calls(make_subscription_row(consumer=consumer.organization), clock.now())

    def ids(**filters: str) -> list[str]:
        return [row["call_id"] for row in rows_of(make_export(consumer, filters=filters))]

    assert ids(subscription_id=subscription.public_id) == calls
    assert ids(api_id=subscription.api.public_id) == calls
    assert ids(status="4") == [calls[3]]
    assert ids(path="rivers") == [calls[4]]
    custom = {"period": "custom", "first_day": "2025-01-01", "last_day": "2025-01-31"}
    assert rows_of(make_export(consumer, **custom)) == []


def test_reads_in_chunks(subscription: Subscription) -> None:
    """However many calls there are, one chunk at a time is held."""
    at, count = clock.now().replace(microsecond=0), 2 * CHUNK_ROWS + 1
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO usage_usageevent (event_id, occurred_at, decided_at, stored_at, batch_id, source,"
            " consumer_organization_id, provider_organization_id, subscription_id, api_id, method, path, status,"
            " latency_ms, request_bytes, response_bytes, request_id, outcome, is_billable, properties)"
            " SELECT gen_random_uuid(), %s + n * interval '1 microsecond', %s, %s, %s, 'gateway', %s, %s, %s, %s,"
            " 'GET', '/', 200, 1, 0, 0, '', 'completed', true, '{}' FROM generate_series(1, %s) n",
            [
                at,
                at,
                at,
                uuid7(),
                subscription.consumer_organization_id,
                subscription.provider_organization_id,
                subscription.pk,
                subscription.api_id,
                count,
            ],
        )
    period = choose_period(subscription.consumer_organization, key="24h").period
    whose = CallRange(period=period, consumer_id=subscription.consumer_organization_id)
    sizes = [len(chunk) for chunk in chunks_between(whose, ("event_id",))]
    assert sizes == [CHUNK_ROWS, CHUNK_ROWS, 1]


def test_requester_is_told_and_it_is_audited(consumer: Membership, calls: list[str]) -> None:
    export = make_export(consumer)
    assert export.status == ExportStatus.READY
    assert export.expires_at is not None
    assert export.expires_at - clock.now() > timedelta(days=6)
    told = Notification.objects.get(user=consumer.user)
    assert told.kind == "usage.export_ready"
    assert told.context["rows"] == str(len(calls))
    audit = AuditEvent.objects.get(action="usage:export:requested")
    assert audit.target_id == export.pk
    assert consumer.user.email not in str(UsageExport.objects.filter(pk=export.pk).values())


def test_job_shows_progress(consumer: Membership, calls: list[str]) -> None:
    export = ask_export(consumer)
    assert export.job is not None
    write_export_job.apply(kwargs={"export_id": str(export.pk)}, task_id=str(export.job_id)).get()
    assert export.job_id is not None
    run = JobRun.objects.get(pk=export.job_id)
    assert run.status == "succeeded"
    assert run.result is not None
    assert run.progress_done == run.progress_total == len(calls)
    assert run.result["rows"] == len(calls)


def test_cancelled_while_writing(consumer: Membership, calls: list[str], monkeypatch: Any) -> None:
    monkeypatch.setattr("apps.usage.selectors.history.CHUNK_ROWS", 1)
    export = ask_export(consumer)
    seen: list[int] = []

    def cancel_after_first(done: int, _total: int) -> None:
        seen.append(done)
        cancel_export(export=export, actor=actor_of(consumer))

    ended = write_export(export_id=export.pk, on_progress=cancel_after_first)

    assert calls
    assert seen == [1]
    assert ended.status == ExportStatus.CANCELLED
    assert ended.file_name == ""
    assert write(export).status == ExportStatus.CANCELLED, "a job that comes later writes nothing"


def test_second_delivery_begins_anew(consumer: Membership, calls: list[str]) -> None:
    """A worker that died left a running export; one that is ready is not written again."""
    export = ask_export(consumer)
    UsageExport.objects.update(status=ExportStatus.RUNNING, file_name="usage-exports/lost.csv")
    first = write(export)
    assert first.status == ExportStatus.READY
    assert len(rows_of(first)) == len(calls)
    assert write(export).file_name == first.file_name


def test_bounds(consumer: Membership, calls: list[str], settings: Any) -> None:
    settings.USAGE_EXPORT_MAX_ROWS = len(calls) - 1
    with pytest.raises(ExportTooLarge) as refusal:
        ask_export(consumer)
    assert refusal.value.field == "period"
    assert not UsageExport.objects.exists()

    settings.USAGE_EXPORT_MAX_ROWS = 100
    for _number in range(5):
        export = ask_export(consumer)
    with pytest.raises(TooManyExports):
        ask_export(consumer)
    settings.USAGE_EXPORT_MAX_MB = 0
    failed = write(export)
    assert (failed.status, failed.error_code) == (ExportStatus.FAILED, "export_too_large")
    assert Notification.objects.get().kind == "usage.export_failed"


def test_error_is_shown_and_raised(consumer: Membership, monkeypatch: Any) -> None:
    def fail(*_args: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(default_storage, "save", fail)
    export = ask_export(consumer)
    with pytest.raises(OSError, match="no space"):
        write(export)
    export.refresh_from_db()
    assert (export.status, export.error_code) == (ExportStatus.FAILED, "server_error")


def test_files_expire(
    consumer: Membership, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    kept, old, lost = make_export(consumer), make_export(consumer), ask_export(consumer)
    UsageExport.objects.filter(pk=old.pk).update(expires_at=clock.now())
    UsageExport.objects.filter(pk=lost.pk).update(updated_at=clock.now() - timedelta(hours=2))

    with django_capture_on_commit_callbacks(execute=True):
        assert expire_exports() == {"expired": 1, "failed": 1, "forgotten": 0}

    assert not default_storage.exists(old.file_name)
    assert default_storage.exists(kept.file_name)
    statuses = {row.pk: row.status for row in UsageExport.objects.all()}
    assert statuses == {kept.pk: "ready", old.pk: "expired", lost.pk: "failed"}
    assert expire_exports() == {"expired": 0, "failed": 0, "forgotten": 0}


def test_every_column_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs" / "domain" / "exports.md").read_text()
    table = page[page.index("## Columns") : page.index("## How it is written")]
    documented = set(re.findall(r"`([a-z_]+)`", table))
    columns = {
        column.name
        for subject in ExportSubject.values
        for side in ExportSide.values
        for column in columns_of(subject, side)
    }
    assert columns == documented
