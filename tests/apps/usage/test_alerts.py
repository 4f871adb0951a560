"""Warnings of quotas and spend caps: the thresholds, each once, to whom, and what webhooks get."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apps.accounts.models import Membership
from apps.core import clock
from apps.core.models import OutboxMessage
from apps.core.money import Money
from apps.core.relay import drain_until_empty
from apps.notifications.models import Notification
from apps.subscriptions.models import Subscription
from apps.subscriptions.services import set_spend_cap, top_up_quota
from apps.usage.alerts import warn_of_low_quotas
from apps.usage.enums import AlertKind
from apps.usage.models import UsageAlert, UsageWindow
from tests.factories.accounts import make_member
from tests.factories.billing import make_calls
from tests.factories.direct import add_window
from tests.factories.pricing import SYSTEM, make_plan, make_price
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db


@pytest.fixture
def consumer() -> Membership:
    return make_member("owner")


@pytest.fixture
def subscription(consumer: Membership) -> Subscription:
    """A hard quota of 100 calls; 9.00 a month, and 0.002 a call beyond 1 000 free ones."""
    plan = make_plan(price=make_price(quota_calls=100))
    return make_subscription(plan=plan, consumer=consumer.organization)


def use(subscription: Subscription, calls: int) -> None:
    """Set what has been counted, and look."""
    UsageWindow.objects.filter(subscription=subscription).delete()
    hour = clock.now().replace(minute=0, second=0, microsecond=0)
    add_window(subscription, at=hour, calls=calls)
    warn_of_low_quotas([subscription.pk])


def told(consumer: Membership) -> list[tuple[str, Any]]:
    rows = Notification.objects.filter(user=consumer.user, kind__startswith="usage.").order_by("id")
    return [(row.kind.removeprefix("usage."), row.context["percent"]) for row in rows]


def test_each_threshold_is_told_once(consumer: Membership, subscription: Subscription) -> None:
    for calls in (49, 50, 51, 79, 80, 85, 89, 90, 95, 99, 100, 101):
        use(subscription, calls)
        use(subscription, calls)
    assert told(consumer) == [
        ("quota_half", 50),
        ("quota_warning", 80),
        ("quota_warning", 90),
        ("quota_exceeded", 100),
    ]


def test_a_jump_tells_the_highest_only(consumer: Membership, subscription: Subscription) -> None:
    use(subscription, 96)
    assert told(consumer) == [("quota_warning", 90)]
    assert UsageAlert.objects.get().used_calls == 96


def test_after_a_top_up_the_new_quota_is_warned_of(
    consumer: Membership, subscription: Subscription
) -> None:
    use(subscription, 100)
    top_up_quota(subscription=subscription, calls=100, reason="launch", actor=SYSTEM)
    use(subscription, 160)
    assert told(consumer) == [("quota_exceeded", 100), ("quota_warning", 80)]


def test_soft_quota_says_that_calls_go_on(consumer: Membership) -> None:
    plan = make_plan(price=make_price(quota_calls=100, quota_kind="soft"))
    use(make_subscription(plan=plan, consumer=consumer.organization), 120)
    assert told(consumer) == [("quota_passed", 100)]


def test_spend_cap_is_told_at_80_and_100_percent(consumer: Membership) -> None:
    plan = make_plan(price=make_price(quota_calls=None))
    subscription = make_subscription(plan=plan, consumer=consumer.organization)
    set_spend_cap(subscription=subscription, amount=Money(1100, "USD"), actor=SYSTEM)
    for calls in (1500, 1602, 1700, 2002, 2010):
        use(subscription, calls)
    assert told(consumer) == [("spend_cap_warning", 80), ("spend_cap_reached", 100)]
    note = Notification.objects.filter(kind="usage.spend_cap_reached").get()
    assert note.context["amount"] == "$11.00"


def test_viewers_are_not_told(consumer: Membership, subscription: Subscription) -> None:
    viewer = make_member("viewer", organization=consumer.organization)
    use(subscription, 80)
    assert told(viewer) == []


def test_counted_calls_ask_for_a_look(consumer: Membership, subscription: Subscription) -> None:
    start = clock.now() - timedelta(seconds=90)
    make_calls(subscription, *(start + timedelta(seconds=number % 60) for number in range(80)))
    drain_until_empty()
    assert told(consumer) == [("quota_warning", 80)]
    make_calls(subscription, *(start + timedelta(seconds=number) for number in range(10)))
    drain_until_empty()
    assert told(consumer) == [("quota_warning", 80), ("quota_warning", 90)]


def test_calls_that_are_not_billed_warn_of_nothing(
    consumer: Membership, subscription: Subscription
) -> None:
    start = clock.now() - timedelta(seconds=90)
    make_calls(subscription, *[start] * 90, status=500)
    assert not OutboxMessage.objects.filter(topic="usage.alerts").exists()
    assert told(consumer) == []


@pytest.mark.parametrize("count", [1, 3])
def test_looking_takes_the_same_queries_for_any_number(
    consumer: Membership, count: int, django_assert_num_queries: Any
) -> None:
    rows = [make_subscription(consumer=consumer.organization) for _ in range(count)]
    with django_assert_num_queries(6):
        warn_of_low_quotas([row.pk for row in rows])


def test_alerts_of_one_bound_are_unique(subscription: Subscription) -> None:
    use(subscription, 80)
    alert = UsageAlert.objects.get(kind=AlertKind.QUOTA)
    assert (alert.bound_calls, alert.threshold_percent) == (100, 80)
    assert warn_of_low_quotas([subscription.pk]) == 0
