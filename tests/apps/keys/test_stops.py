"""Keys of a subscription whose quota is used up: shown suspended, not written, and active again by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from apps.accounts.models import Membership
from apps.core.money import Money
from apps.gateway import entries
from apps.gateway.store import names
from apps.gateway.valkey import get_client
from apps.keys.enums import KeyStatus
from apps.keys.models import ApiKey
from apps.keys.services import suspend_key
from apps.subscriptions.models import Subscription
from apps.subscriptions.services import set_spend_cap, top_up_quota
from tests.clients import api_client, client_for
from tests.factories.accounts import make_member
from tests.factories.keys import SYSTEM, make_key
from tests.factories.pricing import make_plan, make_price
from tests.factories.quotas import bring_to_gateway, use_calls
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
    plan = make_plan(price=make_price(quota_calls=100), key_limit=10)
    return make_subscription(plan=plan, consumer=consumer.organization)


def states(consumer: Membership) -> list[tuple[str, str]]:
    rows = api_client(consumer).get("/api/v1/keys").json()["data"]
    return [(row["status"], row["status_reason"]) for row in rows]


def test_show_suspended_until_the_quota_has_room(
    consumer: Membership, subscription: Subscription
) -> None:
    make_key(subscription)
    make_key(subscription)
    bring_to_gateway(subscription, used=99)
    assert states(consumer) == [("active", "")] * 2

    use_calls(subscription, 100)
    assert states(consumer) == [("suspended", "quota_exceeded")] * 2
    assert set(ApiKey.objects.values_list("status", flat=True)) == {KeyStatus.ACTIVE}

    top_up_quota(subscription=subscription, calls=1, reason="launch", actor=SYSTEM)
    bring_to_gateway(subscription)
    assert states(consumer) == [("active", "")] * 2


def test_one_key_says_until_when_and_the_pages_say_why(
    consumer: Membership, subscription: Subscription
) -> None:
    key = make_key(subscription).key
    bring_to_gateway(subscription, used=100)
    body = api_client(consumer).get(f"/api/v1/keys/{key.public_id}").json()
    assert (body["status"], body["status_reason"]) == ("suspended", "quota_exceeded")
    assert body["stopped_until"] > body["created_at"]
    browser = client_for(consumer)
    for page in (
        "/console/keys/",
        f"/console/keys/{key.public_id}/",
        f"/console/subscriptions/{subscription.public_id}/",
    ):
        text = browser.get(page).content.decode()
        assert "Suspended" in text
        assert "Quota used up" in text


def test_spend_cap_stops_keys_too(consumer: Membership, subscription: Subscription) -> None:
    make_key(subscription)
    subscription.price_version.quota_calls = None
    subscription.price_version.save()
    set_spend_cap(subscription=subscription, amount=Money(900, "USD"), actor=SYSTEM)
    bring_to_gateway(subscription, used=1002)
    assert states(consumer) == [("suspended", "spend_cap_reached")]


def test_are_active_again_when_the_next_period_has_begun(
    consumer: Membership, subscription: Subscription
) -> None:
    make_key(subscription)
    bring_to_gateway(subscription, used=100)
    assert states(consumer) == [("suspended", "quota_exceeded")]

    field = f"{entries.SUBSCRIPTION}:{subscription.public_id}"
    raw = get_client().hget(names.ENTRIES, field)
    assert raw is not None
    entry = entries.decode_entry(entries.SUBSCRIPTION, raw)
    # The account's clock moves into the second period, whose counter exists since the first began.
    later = msgspec.structs.replace(entry, clock_offset_ms=32 * 86_400_000)
    get_client().hset(names.ENTRIES, field, entries.encode_entry(later))
    assert states(consumer) == [("active", "")]


def test_own_states_stay_what_they_are(consumer: Membership, subscription: Subscription) -> None:
    suspend_key(key=make_key(subscription).key, actor=SYSTEM, reason="holiday")
    make_key(subscription, is_active=False)
    bring_to_gateway(subscription, used=100)
    assert states(consumer) == [("pending", ""), ("suspended", "holiday")]


def test_soft_quota_stops_nothing(consumer: Membership) -> None:
    plan = make_plan(price=make_price(quota_calls=100, quota_kind="soft"))
    subscription = make_subscription(plan=plan, consumer=consumer.organization)
    make_key(subscription)
    bring_to_gateway(subscription, used=500)
    assert states(consumer) == [("active", "")]


@pytest.mark.parametrize("count", [1, 3])
def test_list_takes_the_same_queries(
    consumer: Membership, count: int, django_assert_num_queries: Any
) -> None:
    for _ in range(count):
        row = make_subscription(
            plan=make_plan(price=make_price(quota_calls=5)), consumer=consumer.organization
        )
        make_key(row)
        bring_to_gateway(row, used=5)
    client = api_client(consumer)
    with django_assert_num_queries(1):
        body = client.get("/api/v1/keys").json()
    assert [row["status"] for row in body["data"]] == ["suspended"] * count


@pytest.mark.parametrize("count", [1, 3])
def test_without_the_store_it_takes_the_same_queries_too(
    consumer: Membership, count: int, django_assert_num_queries: Any
) -> None:
    for _ in range(count):
        make_key(make_subscription(consumer=consumer.organization))
    client = api_client(consumer)
    with django_assert_num_queries(7):
        client.get("/api/v1/keys")
