"""U12: totals of a day are what its rows add up to, in every way that pages read them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.db import connection

from apps.apis.enums import VersionStatus
from apps.apis.models import ApiVersion
from apps.core import clock
from apps.core.clock import Period
from apps.keys.models import ApiKey
from apps.usage.enums import AnalyticsSide
from apps.usage.figures import Figures
from apps.usage.models import UsageDay, UsageDayTotal, UsageHour
from apps.usage.rollups.reading import STEP, Scope, read_rollups
from apps.usage.rollups.totals import BASES, SPLITS, split_for
from apps.usage.services import follow_time_zone, roll_up
from tests.factories.accounts import OrganizationFactory
from tests.factories.billing import make_calls, send_events
from tests.factories.direct import make_subscription_row
from tests.factories.keys import make_key
from tests.factories.usage import make_event

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
SIDES = list(AnalyticsSide)


def make_mixed_calls(key: ApiKey) -> None:
    """Make calls of three days with every class of status, with and without key, and of described and other paths."""
    now = clock.now()
    send_events(
        [
            make_event(
                key.subscription,
                occurred_at=now - number * timedelta(hours=2),
                key_id=key.public_id if number % 3 else None,
                path=(f"/v1/cities/{number}", "/wp-login")[number % 4 == 0],
                status=(200, 200, 301, 404, 503)[number % 5],
                latency_ms=float(10 + 7 * number),
                response_bytes=100 + number,
            )
            for number in range(36)
        ]
    )
    make_calls(
        key.subscription,
        now,
        outcome="unconfirmed",
        status=None,
        latency_ms=None,
        upstream_latency_ms=None,
    )


@pytest.fixture
def key() -> ApiKey:
    consumer = OrganizationFactory(timezone="Asia/Kolkata", country="IN")
    key = make_key(make_subscription_row(consumer=consumer)).key
    version = ApiVersion.objects.create(
        api=key.subscription.api, name="v1", status=VersionStatus.PUBLISHED
    )
    version.endpoints.create(method="GET", path="/v1/cities/{id}")
    make_mixed_calls(key)
    make_mixed_calls(make_key(make_subscription_row(consumer=consumer)).key)
    make_calls(make_subscription_row(), clock.now())  # somebody else's
    roll_up()
    return key


def figures_of(row: UsageDay) -> Figures:
    status = row.status
    return Figures(
        row.calls,
        row.billable,
        row.calls if 300 <= status <= 399 else 0,
        row.calls if 400 <= status <= 499 else 0,
        row.calls if status >= 500 else 0,
        row.calls if status == 0 else 0,
        row.timed,
        row.latency_sum_ms,
        row.request_bytes,
        row.response_bytes,
        row.latencies,
    )


def sums_of_days(side: AnalyticsSide, columns: tuple[str, ...]) -> dict[Any, Figures]:
    found: dict[Any, Figures] = {}
    for row in UsageDay.objects.filter(side=side):
        at = (row.organization_id, row.day, *(getattr(row, name) for name in columns))
        found[at] = found.get(at, Figures()) + figures_of(row)
    return found


def stored_totals(side: AnalyticsSide, split: str, columns: tuple[str, ...]) -> dict[Any, Figures]:
    rows = list(UsageDayTotal.objects.filter(side=side, split=split))
    found = {
        (row.organization_id, row.day, *(getattr(row, name) for name in columns)): Figures(
            row.calls,
            row.billable,
            row.redirected,
            row.refused,
            row.failed,
            row.unconfirmed,
            row.timed,
            row.latency_sum_ms,
            row.request_bytes,
            row.response_bytes,
            row.latencies,
        )
        for row in rows
    }
    assert len(found) == len(rows)
    return found


def check_all_totals() -> None:
    for side in SIDES:
        groups: dict[str, tuple[str, ...]] = {"": BASES[side]}
        groups |= {split: (*BASES[side], name) for split, name in SPLITS[side].items()}
        for split, columns in groups.items():
            assert stored_totals(side, split, columns) == sums_of_days(side, columns), (side, split)


@pytest.mark.usefixtures("key")
def test_totals_are_the_sums_of_their_day() -> None:
    assert UsageDayTotal.objects.filter(side=AnalyticsSide.CONSUMER, split="key").count() > 6
    check_all_totals()


def test_totals_follow_late_calls_and_time_zones(key: ApiKey) -> None:
    consumer = key.subscription.consumer_organization
    make_calls(key.subscription, clock.now() - DAY)
    UsageHour.objects.update(rolled_at=clock.now() - DAY)
    roll_up()
    check_all_totals()

    consumer.timezone = "America/St_Johns"
    consumer.save(update_fields=["timezone"])
    assert follow_time_zone(organization_id=consumer.pk)
    assert not UsageDayTotal.objects.filter(organization_id=consumer.pk).exists()
    UsageHour.objects.update(rolled_at=clock.now() - DAY)
    roll_up()

    assert UsageDayTotal.objects.filter(organization_id=consumer.pk).exists()
    check_all_totals()


@pytest.mark.usefixtures("key")
def test_an_upgrade_adds_up_the_days_that_are_there() -> None:
    UsageDayTotal.objects.all().delete()
    migration = import_module("apps.usage.migrations.0015_usage_day_totals")

    with connection.cursor() as cursor:
        for side in SIDES:
            cursor.execute(migration.totals_of(side.value))

    check_all_totals()


def test_every_way_of_reading_gives_the_same(key: ApiKey) -> None:
    """Sets that totals know are read beside one that needs the days, and must not differ."""
    subscription = key.subscription
    now = clock.now()
    period = Period(now - 2 * DAY, now + DAY)
    filters: Mapping[AnalyticsSide, list[dict[str, Any]]] = {
        AnalyticsSide.CONSUMER: [
            {},
            {"subscription_id": subscription.pk},
            {"key_id": key.pk},
            {"status_class": 4},
            {"api_id": subscription.api_id, "endpoint": ""},
        ],
        AnalyticsSide.PROVIDER: [{}, {"plan_id": subscription.plan_id}, {"country": "IN"}],
        AnalyticsSide.OPERATOR: [{}, {"status": 404}],
    }
    owners = {
        AnalyticsSide.CONSUMER: subscription.consumer_organization_id,
        AnalyticsSide.PROVIDER: subscription.provider_organization_id,
        AnalyticsSide.OPERATOR: None,
    }
    for side, choices in filters.items():
        zone = "Asia/Kolkata" if side == AnalyticsSide.CONSUMER else "UTC"
        first, second = list(SPLITS[side].values())[:2]
        both = tuple(sorted({"api_id", first, second}))
        sets = [(STEP,), (), ("api_id",), (first,), ("api_id", second)]
        assert split_for(side, both) is None
        for only in choices:
            scope = Scope(side, owners[side], zone, only)
            few = read_rollups(scope, period, by_day=True, sets=sets)
            many = read_rollups(scope, period, by_day=True, sets=[*sets, both])
            assert few == {group: many[group] for group in sets}, (side, only)
            total = few[()].get((), Figures())
            assert total.calls > 0, (side, only)
            for group in [*sets, both]:
                assert sum(many[group].values(), Figures()) == total, (side, only, group)
