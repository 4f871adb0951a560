"""Where a subscription stands: the same figures over REST as on its page, with the method beside them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.accounts.models import Membership
from apps.core import clock
from apps.subscriptions.models import Subscription
from apps.usage.models import UsageAlert
from apps.usage.standing import subscription_usage
from tests.clients import api_client
from tests.factories.accounts import make_member
from tests.factories.direct import add_window, make_subscription_row

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 5, 20, 12, 10, tzinfo=UTC)


@pytest.fixture
def consumer() -> Membership:
    return make_member("viewer")


@pytest.fixture(autouse=True)
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOON)


def make(
    consumer: Membership, *, limit: int | None, age: timedelta, kind: str = "hard"
) -> Subscription:
    began = NOON - age
    row = make_subscription_row(consumer=consumer.organization, anchor=began, started_at=began)
    row.price_version.quota_calls, row.price_version.quota_kind = limit, kind
    row.price_version.save()
    return row


def shown(consumer: Membership, row: Subscription) -> dict[str, Any]:
    answer = api_client(consumer).get(f"/api/v1/subscriptions/{row.public_id}/usage")
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    return body


def test_figures_are_those_of_the_page(consumer: Membership) -> None:
    row = make(consumer, limit=1_400, age=timedelta(days=10))
    add_window(row, at=NOON.replace(minute=0), calls=700)
    alert = UsageAlert.objects.create(
        subscription=row,
        kind="quota",
        period_start=subscription_usage(row).quota.period.start,
        period_end=subscription_usage(row).quota.period.end,
        threshold_percent=50,
        bound_calls=1_400,
        used_calls=700,
    )

    body, usage = shown(consumer, row), subscription_usage(row)

    assert (body["used"], body["limit"], body["remaining"]) == (700, 1_400, 700)
    assert body["pace"]["method"] == "last_7_days"
    assert (body["pace"]["calls"], body["pace"]["calls_per_day"]) == (700, 100)
    assert usage.exhausted_at == NOON + timedelta(days=7)
    assert datetime.fromisoformat(body["exhausted_at"]) == usage.exhausted_at
    assert datetime.fromisoformat(body["resets_at"]) == usage.resets_at
    assert [row["threshold_percent"] for row in body["warnings"]] == [alert.threshold_percent]


def test_without_use_nothing_runs_out(consumer: Membership) -> None:
    body = shown(consumer, make(consumer, limit=100, age=timedelta(days=10)))
    assert (body["used"], body["exhausted_at"], body["warnings"]) == (0, None, [])
    assert body["pace"]["calls_per_day"] == 0


def test_without_a_quota_nothing_runs_out(consumer: Membership) -> None:
    row = make(consumer, limit=None, age=timedelta(days=10))
    add_window(row, at=NOON.replace(minute=0), calls=700)
    body = shown(consumer, row)
    assert (body["limit"], body["remaining"], body["exhausted_at"]) == (None, None, None)


def test_first_calls_of_a_new_subscription_make_its_pace(consumer: Membership) -> None:
    row = make(consumer, limit=10_000, age=timedelta(minutes=20))
    # Its first window began before it did.
    add_window(row, at=datetime(2026, 5, 20, 11, tzinfo=UTC), calls=60)
    add_window(row, at=datetime(2026, 5, 20, 12, tzinfo=UTC), calls=40)

    body = shown(consumer, row)

    assert (body["pace"]["method"], body["pace"]["calls"]) == ("since_start", 100)
    assert body["pace"]["calls_per_day"] == 2_400
    assert datetime.fromisoformat(body["exhausted_at"]) == NOON + timedelta(hours=99)


def test_used_up_soft_quota_is_used_up_now(consumer: Membership) -> None:
    row = make(consumer, limit=100, age=timedelta(days=10), kind="soft")
    add_window(row, at=NOON.replace(minute=0), calls=130)
    body = shown(consumer, row)
    assert (body["used"], body["remaining"], body["is_hard"]) == (130, 0, False)
    assert datetime.fromisoformat(body["exhausted_at"]) == NOON


def test_other_tenants_subscription_does_not_exist(consumer: Membership) -> None:
    row = make(consumer, limit=100, age=timedelta(days=1))
    other = api_client(make_member("owner"))
    assert other.get(f"/api/v1/subscriptions/{row.public_id}/usage").status_code == 404
