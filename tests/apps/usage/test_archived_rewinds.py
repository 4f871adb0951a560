"""Windows of months whose calls lie in an archive are computed anew from the archive, and only from a good one."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.urls import reverse

from apps.core.models import AuditEvent
from apps.subscriptions.models import Subscription
from apps.usage.enums import DifferenceState, RewindStatus
from apps.usage.exceptions import ArchiveDamaged, ArchiveUnusable, EventsDropped
from apps.usage.models import (
    UsageArchive,
    UsageEvent,
    UsageRewind,
    UsageWindow,
    UsageWindowValue,
    WindowDifference,
)
from apps.usage.rewind_scopes import RewindScope
from apps.usage.services import (
    carry_out_rewind,
    forget_month,
    request_rewind,
    retry_rewind,
    verify_archive,
)
from tests.clients import api_client, client_for
from tests.factories.accounts import make_staff
from tests.factories.archives import JANUARY, SYSTEM, archive_january, make_january_calls
from tests.factories.billing import close_month, make_billed_subscription, make_calls
from tests.factories.direct import make_subscription_row
from tests.factories.meters import make_meter

pytestmark = pytest.mark.django_db

KINDS = ("sum", "max", "min", "avg", "unique", "latest", "time_weighted")
NOON = JANUARY.start + timedelta(days=2, hours=12)


def rewind(*, dry: bool = False, **scope: Any) -> UsageRewind:
    asked = request_rewind(
        scope=RewindScope(JANUARY, **scope),
        is_dry_run=dry,
        reason="A fault.",
        actor=SYSTEM,
        in_background=False,
    )
    return carry_out_rewind(rewind_id=asked.pk)


def columns() -> list[tuple[Any, ...]]:
    names = (
        "subscription_id", "meter", "window_start", "dimensions", "quantity", "value_sum", "value_at", "value_event_id",
        "event_count", "error_count",
    )  # fmt: skip
    rows = UsageWindow.objects.order_by("subscription_id", "meter", "window_start", "dimensions")
    return list(rows.values_list(*names))


@pytest.fixture
def subscription() -> Subscription:
    """A subscription with meters of every kind; calls billed and failed, two days of them."""
    subscription = make_subscription_row()
    for kind in KINDS:
        make_meter(
            subscription,
            kind,
            aggregation=kind,
            property_name="tokens",
            group_by=[{"property": "method", "values": ["GET"]}] if kind == "sum" else [],
        )
    make_january_calls(subscription, count=2)
    for number, value in enumerate([3.5, -1, 3.5, "0.25"]):
        at = NOON + timedelta(minutes=number)
        make_calls(
            subscription, at, properties={"tokens": value}, method="GET" if number else "PUT"
        )
    make_calls(subscription, NOON, NOON, status=503)
    return subscription


def test_archived_windows_are_those_that_the_events_gave(subscription: Subscription) -> None:
    """I6: lost windows come back equal, twice, and a subscription with none left is found in the archive."""
    good = columns()
    archive_january()
    assert not UsageEvent.objects.exists()
    assert rewind().difference_count == 0
    UsageWindow.objects.all().delete()
    UsageWindowValue.objects.all().delete()

    tried = rewind(dry=True)
    assert (tried.difference_count, tried.revised_count, columns()) == (len(good), 0, [])
    first = rewind(api=subscription.api)
    assert (first.revised_count, columns()) == (len(good), good)
    second, of_one = rewind(), rewind(meter="unique")
    assert (second.difference_count, of_one.difference_count) == (0, 0)
    assert (second.window_count, of_one.window_count) == (len(good), 1)
    assert columns() == good


def test_straggler_beside_the_archive_is_added_to_it(subscription: Subscription) -> None:
    archive_january()
    make_calls(subscription, NOON + timedelta(minutes=30))  # its month has no partition any more
    good = columns()
    UsageWindow.objects.update(quantity=70)

    assert rewind().revised_count > 0
    assert columns() == good
    assert UsageEvent.objects.count() == 1


def test_closed_archived_period_keeps_its_windows() -> None:
    subscription = make_billed_subscription()
    make_january_calls(subscription)
    close_month(subscription)
    make_calls(subscription, NOON)  # an open late event is no difference
    archive_january()
    assert rewind().difference_count == 0
    UsageWindow.objects.filter(window_start=NOON).update(quantity=9)

    done = [rewind(), rewind()]

    assert [(row.kept_count, row.revised_count) for row in done] == [(1, 0), (1, 0)]
    found = WindowDifference.objects.get(state=DifferenceState.OPEN)
    assert (int(found.was_quantity), int(found.quantity)) == (9, 1)
    assert int(UsageWindow.objects.get(window_start=NOON).quantity) == 9


def flip(archive: UsageArchive) -> None:
    """Change one bit of the first row group, or change it back."""
    with Path(default_storage.path(archive.file_name)).open("r+b") as file:
        file.seek(archive.row_groups[0]["start"] + 40)
        byte = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte[0] ^ 1]))


def test_damaged_archive_is_refused_and_told(subscription: Subscription) -> None:
    archive = archive_january()
    good = columns()
    UsageWindow.objects.filter(meter="sum").update(quantity=99)
    wrong = columns()
    flip(archive)

    with pytest.raises(ArchiveDamaged):
        rewind(subscription=subscription)

    failed = UsageRewind.objects.get()
    assert failed.status == RewindStatus.FAILED
    assert "2025-01" in failed.error
    assert columns() == wrong, "nothing was computed from it"
    archive.refresh_from_db()
    assert "2025-01" in archive.problem
    assert AuditEvent.objects.filter(action="usage:archive:checked").last() is not None
    page = client_for(make_staff("operator")).get(reverse("admin:index")).content.decode()
    assert "Archives of calls that cannot be read" in page
    with pytest.raises(ArchiveUnusable):
        rewind(subscription=subscription)
    answer = api_client(make_staff("operator")).post(
        "/api/v1/admin/usage/rewinds",
        {"from": JANUARY.start.isoformat(), "until": JANUARY.end.isoformat(), "reason": "x"},
        format="json",
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "archive_unusable")

    flip(archive)  # restored from the backup
    verify_archive(archive=archive, actor=SYSTEM)
    retry_rewind(rewind=failed, actor=SYSTEM)
    assert carry_out_rewind(rewind_id=failed.pk).status == RewindStatus.SUCCEEDED
    assert columns() == good


def test_month_that_was_forgotten_is_still_refused(subscription: Subscription) -> None:
    archive_january()
    forget_month(month=JANUARY, actor=SYSTEM)

    with pytest.raises(EventsDropped):
        rewind(subscription=subscription)
