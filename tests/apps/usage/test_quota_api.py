"""Quotas over REST: fresh, without a query, and from PostgreSQL where the store does not answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from apps.accounts.models import Membership
from apps.accounts.services import create_service_token, revoke_service_token
from apps.core import clock
from apps.core.models import AuditEvent
from apps.gateway.valkey import get_client
from apps.keys.models import ApiKey
from apps.subscriptions.models import Subscription
from apps.subscriptions.services import cancel_subscription
from tests.apps.gateway.dataplane.harness import ValkeyServer, running, wait_for
from tests.clients import api_client
from tests.factories.accounts import actor_of, make_member, make_staff
from tests.factories.direct import add_window
from tests.factories.keys import make_key
from tests.factories.pricing import SYSTEM, make_plan, make_price
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
    """9.00 a month, a hard quota of 10 000 calls, at most 60 a minute."""
    plan = make_plan(price=make_price(rate_per_minute=60))
    return make_subscription(plan=plan, consumer=consumer.organization)


def path_of(subscription: Subscription, what: str = "quota") -> str:
    return f"/api/v1/subscriptions/{subscription.public_id}/{what}"


def token_client(consumer: Membership) -> tuple[APIClient, Any]:
    """A program with a real service token."""
    issued = create_service_token(
        organization=consumer.organization,
        name="Dashboard",
        permissions=frozenset({"subscriptions.read", "keys.read"}),
        actor=actor_of(consumer),
    )
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {issued.secret}")
    return client, issued.token


class TestOne:
    def test_says_what_is_used_and_left(
        self, consumer: Membership, subscription: Subscription
    ) -> None:
        bring_to_gateway(subscription, used=1234)
        body = api_client(consumer).get(path_of(subscription)).json()
        assert body["subscription_id"] == subscription.public_id
        assert (body["used"], body["limit"], body["remaining"]) == (1234, 10_000, 8766)
        assert (body["kind"], body["stop_reason"], body["source"]) == ("hard", None, "store")
        assert body["spend_cap"] is None
        assert 0 < body["resets_in_s"] <= 31 * 86_400
        window = body["windows"][0]
        assert window.pop("resets_in_ms") <= 60_000
        assert window == {
            "name": "minute",
            "limit": 60,
            "window_s": 60,
            "used": 0,
            "remaining": 60,
        }

    def test_second_check_makes_no_query_and_sees_a_usage_change(
        self,
        consumer: Membership,
        subscription: Subscription,
        django_assert_num_queries: Callable[[int], Any],
    ) -> None:
        bring_to_gateway(subscription, used=10)
        client, _token = token_client(consumer)
        assert client.get(path_of(subscription)).json()["used"] == 10

        with django_assert_num_queries(0):
            assert client.get(path_of(subscription)).json()["used"] == 10
        use_calls(subscription, 11)
        with django_assert_num_queries(0):
            assert client.get(path_of(subscription)).json()["used"] == 11

    def test_with_a_spend_cap_only_the_first_check_asks_for_the_amount(
        self,
        consumer: Membership,
        subscription: Subscription,
        django_assert_num_queries: Callable[[int], Any],
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        owner = api_client(consumer)
        money = {"amount_minor": 1100, "currency": "USD"}
        owner.put(path_of(subscription, "spend-cap"), {"amount": money})
        bring_to_gateway(subscription, used=2002)
        client, _token = token_client(consumer)
        client.get(path_of(subscription))
        with django_assert_num_queries(0):
            body = client.get(path_of(subscription)).json()
        assert body["spend_cap"] == {"amount": money, "calls": 2002, "remaining_calls": 0}
        assert body["stop_reason"] == "spend_cap_reached"

        higher = {"amount_minor": 1300, "currency": "USD"}
        with django_capture_on_commit_callbacks(execute=True):
            owner.put(path_of(subscription, "spend-cap"), {"amount": higher})
        bring_to_gateway(subscription)
        body = client.get(path_of(subscription)).json()
        assert body["spend_cap"] == {"amount": higher, "calls": 3002, "remaining_calls": 1000}
        assert body["stop_reason"] is None

    def test_revoked_token_is_refused_within_a_second(
        self, consumer: Membership, subscription: Subscription
    ) -> None:
        client, token = token_client(consumer)
        assert client.get(path_of(subscription)).status_code == 200
        revoke_service_token(token=token, actor=SYSTEM)
        wait_for(lambda: client.get(path_of(subscription)).status_code == 401, timeout_s=2)

    def test_top_up_and_plan_change_count_at_once(
        self, consumer: Membership, subscription: Subscription
    ) -> None:
        bring_to_gateway(subscription, used=10_000)
        client = api_client(consumer)
        assert client.get(path_of(subscription)).json()["stop_reason"] == "quota_exceeded"
        operator = api_client(make_staff("operator"))
        made = operator.post(
            f"/api/v1/admin/subscriptions/{subscription.public_id}/quota-top-ups",
            {"calls": 500, "reason": "launch day"},
        )
        assert made.status_code == 201
        bring_to_gateway(subscription)
        body = client.get(path_of(subscription)).json()
        assert (body["limit"], body["extra"], body["remaining"]) == (10_500, 500, 500)
        assert body["stop_reason"] is None

    def test_unknown_to_the_store_comes_from_windows(
        self, consumer: Membership, subscription: Subscription
    ) -> None:
        hour = clock.now().replace(minute=0, second=0, microsecond=0)
        add_window(subscription, at=hour, calls=77)
        body = api_client(consumer).get(path_of(subscription)).json()
        assert (body["used"], body["remaining"], body["source"]) == (77, 9923, "database")

    def test_store_that_is_away_is_no_outage(
        self, consumer: Membership, subscription: Subscription, settings: Settings, tmp_path: Path
    ) -> None:
        hour = clock.now().replace(minute=0, second=0, microsecond=0)
        add_window(subscription, at=hour, calls=5)
        bring_to_gateway(subscription, used=6)
        with running(ValkeyServer(tmp_path)) as server:
            gone = server.url
        own = settings.REDIS_URL
        get_client.cache_clear()
        settings.REDIS_URL = gone
        try:
            body = api_client(consumer).get(path_of(subscription)).json()
        finally:
            settings.REDIS_URL = own
            get_client.cache_clear()
        assert (body["used"], body["source"]) == (5, "database")

    def test_other_tenants_do_not_exist(self, subscription: Subscription) -> None:
        stranger = api_client(make_member("owner"))
        assert stranger.get(path_of(subscription)).status_code == 404
        bring_to_gateway(subscription)
        assert stranger.get(path_of(subscription)).status_code == 404
        assert stranger.get("/api/v1/subscriptions/sub_x/quota").status_code == 404

    def test_ended_subscription_has_no_period(
        self, consumer: Membership, subscription: Subscription
    ) -> None:
        cancel_subscription(subscription=subscription, actor=SYSTEM, reason="")
        answer = api_client(consumer).get(path_of(subscription))
        assert (answer.status_code, answer.json()["code"]) == (409, "no_running_period")


class TestMany:
    @pytest.mark.parametrize("count", [1, 3])
    def test_takes_the_same_queries_for_any_number(
        self, consumer: Membership, count: int, django_assert_num_queries: Callable[[int], Any]
    ) -> None:
        rows = [make_subscription(consumer=consumer.organization) for _ in range(count)]
        for row in rows:
            bring_to_gateway(row, used=3)
        client = api_client(consumer)
        with django_assert_num_queries(1):
            body = client.get("/api/v1/quota").json()
        assert [item["used"] for item in body["data"]] == [3] * count

    @pytest.mark.parametrize("count", [1, 3])
    def test_takes_the_same_queries_without_the_store(
        self, consumer: Membership, count: int, django_assert_num_queries: Callable[[int], Any]
    ) -> None:
        for _ in range(count):
            make_subscription(consumer=consumer.organization)
        client = api_client(consumer)
        with django_assert_num_queries(6):
            body = client.get("/api/v1/quota").json()
        assert [item["source"] for item in body["data"]] == ["database"] * count


def test_key_shows_its_own_limits_beside_the_quota(
    consumer: Membership, subscription: Subscription
) -> None:
    key: ApiKey = make_key(subscription, rate_per_minute=5).key
    bring_to_gateway(subscription, used=4)
    path = f"/api/v1/keys/{key.public_id}/quota"
    body = api_client(consumer).get(path).json()
    assert [(row["name"], row["remaining"]) for row in body["windows"]] == [("key-minute", 5)]
    assert body["quota"]["used"] == 4
    assert api_client(make_member("owner")).get(path).status_code == 404


class TestSpendCap:
    def test_is_set_shown_and_removed(
        self, consumer: Membership, subscription: Subscription
    ) -> None:
        client, path = api_client(consumer), path_of(subscription, "spend-cap")
        assert client.get(path).json()["code"] == "no_spend_cap"
        money = {"amount_minor": 1100, "currency": "USD"}
        made = client.put(path, {"amount": money})
        assert made.status_code == 200
        bring_to_gateway(subscription, used=1500)
        body = client.get(path).json()
        assert body.pop("set_at")
        assert body == {
            "amount": money,
            "spent": {"amount_minor": 1000, "currency": "USD"},
            "calls": 2002,
            "remaining_calls": 502,
        }
        assert client.delete(path).status_code == 204
        assert client.delete(path).json()["code"] == "no_spend_cap"

    def test_bad_input_names_the_field(
        self, consumer: Membership, subscription: Subscription
    ) -> None:
        client, path = api_client(consumer), path_of(subscription, "spend-cap")
        answer = client.put(path, {"amount": "ten"})
        assert answer.status_code == 400
        assert "amount" in str(answer.json()["errors"])
        answer = client.put(path, {"amount": {"amount_minor": 100, "currency": "USD"}})
        assert (answer.status_code, answer.json()["code"]) == (422, "spend_cap_below_fees")

    def test_other_tenants_do_not_exist(self, subscription: Subscription) -> None:
        stranger, path = api_client(make_member("owner")), path_of(subscription, "spend-cap")
        assert stranger.get(path).status_code == 404
        money = {"amount_minor": 1100, "currency": "USD"}
        assert stranger.put(path, {"amount": money}).status_code == 404


def test_top_ups_are_listed_and_audited(subscription: Subscription) -> None:
    client = api_client(make_staff("operator"))
    path = f"/api/v1/admin/subscriptions/{subscription.public_id}/quota-top-ups"
    assert client.post(path, {"calls": 0, "reason": "why"}).status_code == 422
    assert client.post(path, {"calls": 5, "reason": ""}).status_code == 400
    assert client.post(path, {"calls": 5, "reason": "an outage"}).status_code == 201
    rows = client.get(path).json()["data"]
    assert [(row["calls"], row["reason"]) for row in rows] == [(5, "an outage")]
    assert AuditEvent.objects.filter(action="subscriptions:quota:topped_up").count() == 1


def test_cache_is_not_needed(consumer: Membership, subscription: Subscription) -> None:
    client, _token = token_client(consumer)
    client.get(path_of(subscription))
    cache.clear()
    assert client.get(path_of(subscription)).status_code == 200
