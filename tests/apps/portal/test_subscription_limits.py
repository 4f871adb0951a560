"""The limits page of a subscription: live numbers, the cap's form, and who may do what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from apps.accounts.models import Membership
from apps.gateway.valkey import get_client
from apps.subscriptions.models import SpendCap, Subscription
from apps.subscriptions.services import cancel_subscription, top_up_quota
from tests.clients import client_for
from tests.factories.accounts import make_member
from tests.factories.pricing import SYSTEM, make_plan, make_price
from tests.factories.quotas import bring_to_gateway
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def empty_store() -> Iterator[None]:
    get_client().flushdb()
    yield
    get_client().flushdb()


@pytest.fixture
def consumer() -> Membership:
    return make_member("owner")


@pytest.fixture
def subscription(consumer: Membership) -> Subscription:
    plan = make_plan(price=make_price(rate_per_minute=60))
    return make_subscription(plan=plan, consumer=consumer.organization)


def path_of(subscription: Subscription, rest: str = "") -> str:
    return f"/console/subscriptions/{subscription.public_id}/limits/{rest}"


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def test_shows_what_is_left_of_everything(consumer: Membership, subscription: Subscription) -> None:
    top_up_quota(subscription=subscription, calls=500, reason="launch day", actor=SYSTEM)
    bring_to_gateway(subscription, used=4321)
    text = text_of(client_for(consumer).get(path_of(subscription)))
    assert "<strong>4,321</strong> of 10,500 calls" in text
    assert "6,179" in text
    assert "launch day" in text
    assert "1 min" in text
    assert "resets in" in text
    assert "the mean of the last 7 days" in text


def test_live_part_asks_for_itself_again(consumer: Membership, subscription: Subscription) -> None:
    bring_to_gateway(subscription, used=7)
    browser = client_for(consumer)
    answer = browser.get(path_of(subscription, "live/"))
    text = text_of(answer)
    assert path_of(subscription, "live/") in text
    assert "every 2s" in text
    assert "<h1" not in text
    assert "no-store" in answer["Cache-Control"]


def test_says_why_calls_are_refused(consumer: Membership, subscription: Subscription) -> None:
    bring_to_gateway(subscription, used=10_000)
    text = text_of(client_for(consumer).get(path_of(subscription)))
    assert "Calls are refused: the quota is used up" in text


def test_cap_is_set_changed_and_removed(consumer: Membership, subscription: Subscription) -> None:
    browser, path = client_for(consumer), path_of(subscription)
    assert browser.post(path, {"amount": "11.00"}).status_code == 302
    bring_to_gateway(subscription, used=1500)
    text = text_of(browser.get(path))
    assert "$10.00 of $11.00" in text
    assert "Change the cap" in text
    assert browser.post(path_of(subscription, "cap/remove/")).status_code == 302
    assert not SpendCap.objects.filter(removed_at=None).exists()


@pytest.mark.parametrize("amount", ["1.00", "-1", "ten", "11.005"])
def test_refused_amounts_are_told_at_the_field(
    consumer: Membership, subscription: Subscription, amount: str
) -> None:
    answer = client_for(consumer).post(path_of(subscription), {"amount": amount})
    assert answer.status_code == 422
    assert "amount" in answer.context["form"].errors
    assert not SpendCap.objects.exists()


def test_viewers_look_and_strangers_do_not(
    consumer: Membership, subscription: Subscription
) -> None:
    viewer = client_for(make_member("viewer", organization=consumer.organization))
    answer = viewer.get(path_of(subscription))
    assert answer.status_code == 200
    assert "Set the cap" not in text_of(answer)
    viewer.post(path_of(subscription), {"amount": "11.00"})
    assert not SpendCap.objects.exists()
    assert client_for(make_member("owner")).get(path_of(subscription)).status_code == 404


def test_ended_subscription_counts_nothing(
    consumer: Membership, subscription: Subscription
) -> None:
    cancel_subscription(subscription=subscription, actor=SYSTEM, reason="")
    assert "Nothing is counted now" in text_of(client_for(consumer).get(path_of(subscription)))


@pytest.mark.parametrize("count", [1, 3])
def test_live_part_takes_the_same_queries(
    consumer: Membership, subscription: Subscription, count: int, django_assert_num_queries: Any
) -> None:
    for _ in range(count):
        top_up_quota(subscription=subscription, calls=5, reason="launch", actor=SYSTEM)
    bring_to_gateway(subscription, used=7)
    browser = client_for(consumer)
    browser.get(path_of(subscription, "live/"))
    with django_assert_num_queries(8):
        browser.get(path_of(subscription, "live/"))
