"""U12: hours and days add up to the calls, whatever comes late, twice, or in another time zone."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db.models import Sum

from apps.accounts.models import Organization
from apps.apis.enums import VersionStatus
from apps.apis.models import ApiVersion
from apps.core import clock
from apps.core.schedule import declared_schedule
from apps.subscriptions.models import Subscription
from apps.usage.enums import AnalyticsSide
from apps.usage.models import RollupMark, UsageDay, UsageEvent, UsageHour
from apps.usage.services import follow_time_zone, roll_up
from apps.usage.sketch import Sketch
from tests.factories.accounts import OrganizationFactory
from tests.factories.billing import make_calls
from tests.factories.direct import make_subscription_row
from tests.factories.keys import make_key

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def hour_ago(hours: int = 1) -> datetime:
    return clock.now().replace(minute=0, second=0, microsecond=0) - hours * HOUR


def subscription_between(consumer_zone: str, provider_zone: str) -> Subscription:
    return make_subscription_row(
        consumer=OrganizationFactory(timezone=consumer_zone),
        provider=OrganizationFactory(timezone=provider_zone),
    )


def sums(rows: Any) -> dict[str, int]:
    found = rows.aggregate(
        calls=Sum("calls"),
        billable=Sum("billable"),
        timed=Sum("timed"),
        latency=Sum("latency_sum_ms"),
        received=Sum("request_bytes"),
        sent=Sum("response_bytes"),
    )
    return {name: int(value or 0) for name, value in found.items()}


def raw_sums(events: list[UsageEvent]) -> dict[str, int]:
    timed = [event for event in events if event.outcome == "completed"]
    return {
        "calls": len(events),
        "billable": sum(event.is_billable for event in events),
        "timed": len(timed),
        "latency": sum(event.latency_ms for event in timed),
        "received": sum(event.request_bytes for event in events),
        "sent": sum(event.response_bytes for event in events),
    }


def packed(rows: Any) -> Sketch:
    return sum((row.latencies for row in rows), Sketch())


def make_mixed_calls(subscription: Subscription) -> None:
    start = hour_ago(3)
    for number in range(24):
        make_calls(
            subscription,
            start + number * timedelta(minutes=7),
            status=(200, 200, 404, 503)[number % 4],
            latency_ms=5.0 * number,
            request_bytes=number,
            response_bytes=10 * number,
            method=("GET", "POST")[number % 2],
        )
    make_calls(
        subscription,
        start,
        outcome="unconfirmed",
        status=None,
        latency_ms=None,
        upstream_latency_ms=None,
    )


def test_hourly_totals_equal_the_calls() -> None:
    subscription = make_subscription_row()
    make_mixed_calls(subscription)
    make_mixed_calls(make_subscription_row())

    done = roll_up()

    assert done.waiting == done.left == 0
    assert not RollupMark.objects.exists()
    events = list(UsageEvent.objects.filter(subscription_id=subscription.pk))
    hours = UsageHour.objects.filter(subscription_id=subscription.pk)
    assert sums(hours) == raw_sums(events)
    for start in {event.occurred_at.replace(minute=0, second=0, microsecond=0) for event in events}:
        inside = [event for event in events if start <= event.occurred_at < start + HOUR]
        assert sums(hours.filter(slot_start=start)) == raw_sums(inside)
    by_status = Counter(event.status for event in events)
    found = hours.values_list("status").annotate(total=Sum("calls"))
    assert dict(found) == by_status
    timed = [event.latency_ms for event in events if event.outcome == "completed"]
    assert packed(hours) == Sketch.of(timed)


@pytest.mark.parametrize(
    ("consumer_zone", "provider_zone"),
    [
        ("UTC", "UTC"),
        ("Asia/Kolkata", "UTC"),
        ("UTC", "Asia/Kathmandu"),
        ("America/St_Johns", "Australia/Lord_Howe"),
    ],
)
def test_days_are_those_of_each_side(consumer_zone: str, provider_zone: str) -> None:
    subscription = subscription_between(consumer_zone, provider_zone)
    start = hour_ago(50)
    make_calls(subscription, *(start + timedelta(minutes=11 * number) for number in range(270)))

    roll_up()

    times = [event.occurred_at for event in UsageEvent.objects.all()]
    assert sums(UsageHour.objects.all())["calls"] == len(times) == 270
    zones = {"consumer": consumer_zone, "provider": provider_zone, "operator": "UTC"}
    for side, zone in zones.items():
        found = UsageDay.objects.filter(side=side).values_list("day").annotate(total=Sum("calls"))
        assert dict(found) == Counter(at.astimezone(ZoneInfo(zone)).date() for at in times)


def test_a_day_may_have_23_or_25_hours() -> None:
    zone = "America/New_York"
    subscription = subscription_between(zone, "UTC")
    days = {date(2026, 3, 8): 23, date(2026, 11, 1): 25}
    for day in days:
        midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
        make_calls(subscription, *(midnight + number * HOUR for number in range(-1, 27)))

    roll_up()

    for day, hours in days.items():
        of_day = UsageDay.objects.filter(side=AnalyticsSide.CONSUMER, day=day)
        assert sums(of_day)["calls"] == hours
        assert packed(of_day) == Sketch.of([12] * hours)


def test_running_twice_and_calls_that_come_late_change_only_what_they_must() -> None:
    subscription = make_subscription_row()
    old = hour_ago(30 * 24)
    make_calls(subscription, old, hour_ago())
    roll_up()
    before = list(UsageHour.objects.order_by("slot_start").values("slot_start", "calls", "status"))

    assert roll_up().hours == 0
    make_calls(subscription, old + timedelta(minutes=5), status=500)
    UsageHour.objects.update(rolled_at=clock.now() - HOUR)
    assert roll_up().hours == 1

    after = list(
        UsageHour.objects.order_by("slot_start", "status").values("slot_start", "calls", "status")
    )
    assert after == [before[0], {"slot_start": old, "calls": 1, "status": 500}, before[1]]
    day = UsageDay.objects.filter(side=AnalyticsSide.CONSUMER, day=old.date())
    assert sums(day)["calls"] == 2


def test_archived_calls_do_not_make_sums_smaller() -> None:
    subscription = make_subscription_row()
    old = hour_ago(40 * 24)
    make_calls(subscription, old, old)
    roll_up()
    UsageEvent.objects.all().delete()

    make_calls(subscription, old)
    UsageHour.objects.update(rolled_at=clock.now() - HOUR)

    assert roll_up().left == 1
    assert sums(UsageHour.objects.all())["calls"] == 2


def test_a_busy_hour_is_not_added_up_every_time() -> None:
    subscription = make_subscription_row()
    make_calls(subscription, hour_ago())
    roll_up()
    UsageHour.objects.update(calls=7_000_000)
    make_calls(subscription, hour_ago())

    assert roll_up().waiting == 1
    UsageHour.objects.update(calls=1, rolled_at=clock.now() - timedelta(minutes=10))
    assert roll_up().hours == 1
    assert sums(UsageHour.objects.all())["calls"] == 2


def test_endpoints_are_those_of_the_documents_and_all_others_are_one() -> None:
    key = make_key().key
    subscription = key.subscription
    version = ApiVersion.objects.create(
        api=subscription.api, name="v1", status=VersionStatus.PUBLISHED
    )
    version.endpoints.create(method="GET", path="/v1/cities/{id}")
    for number in range(5):
        make_calls(subscription, hour_ago(), path=f"/v1/cities/{number}", key_id=key.public_id)
        make_calls(subscription, hour_ago(), path=f"/wp-{number}.php", key_id=key.public_id)

    roll_up()

    rows = UsageHour.objects.values_list("endpoint", "key_id", "plan_id", "calls")
    assert sorted(rows) == [
        ("", key.pk, subscription.plan_id, 5),
        ("GET /v1/cities/{id}", key.pk, subscription.plan_id, 5),
    ]


def test_each_side_gets_its_own_columns() -> None:
    subscription = make_subscription_row(consumer=OrganizationFactory(country="ZW"))
    make_calls(subscription, hour_ago())
    sandbox = make_subscription_row(consumer=OrganizationFactory(is_sandbox=True))
    make_calls(sandbox, hour_ago())

    roll_up()

    def only(side: AnalyticsSide, organization_id: Any) -> UsageDay:
        return UsageDay.objects.get(side=side, organization_id=organization_id)

    consumer = only(AnalyticsSide.CONSUMER, subscription.consumer_organization_id)
    assert (consumer.subscription_id, consumer.country) == (subscription.pk, "")
    provider = only(AnalyticsSide.PROVIDER, subscription.provider_organization_id)
    assert (provider.key_id, provider.subscription_id) == (None, None)
    assert (provider.plan_id, provider.country) == (subscription.plan_id, "ZW")
    operator = only(AnalyticsSide.OPERATOR, None)
    assert operator.consumer_organization_id == subscription.consumer_organization_id


def test_another_time_zone_cuts_the_days_anew() -> None:
    subscription = make_subscription_row()
    consumer = subscription.consumer_organization
    late_evening = datetime.combine(clock.now().date(), datetime.min.time(), UTC) - timedelta(
        minutes=10
    )
    make_calls(subscription, late_evening)
    roll_up()
    assert not follow_time_zone(organization_id=consumer.pk)

    Organization.objects.filter(pk=consumer.pk).update(timezone="Asia/Kolkata")
    UsageHour.objects.update(rolled_at=clock.now() - HOUR)
    assert follow_time_zone(organization_id=consumer.pk)
    roll_up()

    day = UsageDay.objects.get(side=AnalyticsSide.CONSUMER)
    assert day.day == late_evening.date() + timedelta(days=1)
    assert UsageHour.objects.get().slot_start == late_evening.replace(minute=30)


@pytest.mark.parametrize("count", [1, 3])
def test_takes_the_same_queries_for_any_number_of_subscriptions(
    count: int, django_assert_num_queries: Any
) -> None:
    at = hour_ago()
    for _number in range(count):
        make_calls(make_subscription_row(), at)

    with django_assert_num_queries(21):
        roll_up()


def test_runs_by_itself() -> None:
    assert declared_schedule()["usage.roll_up"].every == timedelta(minutes=1)
