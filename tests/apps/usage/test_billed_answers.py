"""Which calls are billed by which price, and that others give their quota back through the store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from apps.core import clock
from apps.core.relay import drain_until_empty
from apps.gateway.valkey import get_client, get_counters
from apps.pricing.enums import BillableStatuses
from apps.subscriptions.models import Subscription
from apps.usage.models import UsageEvent
from tests.factories.billing import make_calls
from tests.factories.pricing import make_plan, make_price
from tests.factories.quotas import bring_to_gateway
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db

SENT = (200, 204, 304, 404, 429, 500, 503)


@pytest.fixture(autouse=True)
def empty_store() -> Iterator[None]:
    get_client().flushdb()
    yield
    get_client().flushdb()


def billed(policy: str, **fields: Any) -> list[int]:
    subscription = make_subscription(
        plan=make_plan(price=make_price(billable_statuses=BillableStatuses(policy)))
    )
    for status in SENT:
        make_calls(subscription, clock.now(), status=status, **fields)
    rows = UsageEvent.objects.filter(subscription_id=subscription.pk, is_billable=True)
    return sorted(rows.values_list("status", flat=True))


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("2xx", [200, 204]),
        ("2xx-3xx", [200, 204, 304]),
        ("2xx-4xx", [200, 204, 304, 404, 429]),
        ("all", list(SENT)),
    ],
)
def test_price_says_which_answers_are_billed(policy: str, expected: list[int]) -> None:
    assert billed(policy) == expected


def test_what_the_gateway_answered_itself_is_never_billed() -> None:
    # The shipper sends no upstream latency where the upstream was not reached or the proxy made the error.
    assert billed("all", upstream_latency_ms=None) == [200, 204]


def test_unconfirmed_calls_are_never_billed() -> None:
    fields = {"outcome": "unconfirmed", "status": None, "latency_ms": None}
    subscription = make_subscription(
        plan=make_plan(price=make_price(billable_statuses=BillableStatuses.ALL))
    )
    make_calls(subscription, clock.now(), **fields)
    assert not UsageEvent.objects.filter(is_billable=True).exists()


def used(subscription: Subscription) -> int:
    held = get_counters().read(
        org_id=subscription.consumer_organization.public_id, sub_id=subscription.public_id
    )
    return held[min(held)]


def test_calls_that_are_not_billed_give_their_quota_back_once() -> None:
    subscription = make_subscription()
    bring_to_gateway(subscription, used=5)
    make_calls(subscription, clock.now(), status=200)
    make_calls(subscription, clock.now(), status=404)
    make_calls(subscription, clock.now(), status=502, upstream_latency_ms=None)
    drain_until_empty()
    assert used(subscription) == 3
    drain_until_empty()
    assert used(subscription) == 3
