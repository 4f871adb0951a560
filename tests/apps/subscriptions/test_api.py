"""Subscriptions over REST: both sides, and nobody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.subscriptions.models import Subscription
from tests.factories.accounts import make_member
from tests.factories.apis import make_api
from tests.factories.pricing import make_plan
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db

Connect = Callable[..., APIClient]
LIST = "/api/v1/subscriptions"


def test_subscribe_and_read_the_quota(api_client: Connect) -> None:
    plan, client = make_plan(), api_client(make_member("developer"))

    answer = client.post(LIST, {"plan": plan.public_id})

    assert (answer.status_code, answer.data["status"]) == (201, "active")
    assert answer.data["quota"]["limit"] == 10_000
    assert answer.data["quota"]["remaining"] == 10_000
    assert client.get(LIST).data["data"][0]["id"] == answer.data["id"]


def test_subscribe_twice_is_a_conflict(api_client: Connect) -> None:
    plan, client = make_plan(), api_client(make_member("developer"))
    first = client.post(LIST, {"plan": plan.public_id})

    answer = client.post(LIST, {"plan": plan.public_id})

    assert (answer.status_code, answer.data["code"]) == (409, "already_subscribed")
    assert answer.data["subscription_id"] == first.data["id"]


def test_subscription_of_another_organization_is_not_found(api_client: Connect) -> None:
    subscription, client = make_subscription(), api_client(make_member("owner"))
    base = f"{LIST}/{subscription.public_id}"

    assert client.get(base).status_code == 404
    for move in ("cancel", "keep", "pause", "resume"):
        assert client.post(f"{base}/{move}").status_code == 404
    provider_base = f"/api/v1/provider/subscriptions/{subscription.public_id}"
    assert client.get(provider_base).status_code == 404
    subscription.refresh_from_db()
    assert subscription.status == "active"


def test_consumer_pauses_resumes_and_cancels(api_client: Connect) -> None:
    member = make_member("developer")
    subscription = make_subscription(consumer=member.organization)
    client, base = api_client(member), f"{LIST}/{subscription.public_id}"

    assert client.post(f"{base}/pause").data["status"] == "paused"
    assert client.post(f"{base}/resume").data["status"] == "active"
    scheduled = client.post(f"{base}/cancel")
    assert (scheduled.data["status"], scheduled.data["cancel_at_period_end"]) == ("active", True)
    assert client.post(f"{base}/keep").data["ends_at"] is None
    ended = client.post(f"{base}/cancel", {"at": "now", "reason": "too dear"})
    assert (ended.data["status"], ended.data["status_reason"]) == ("cancelled", "too dear")
    kinds = [row["kind"] for row in client.get(f"{base}/changes").data["data"]]
    assert kinds == ["cancelled", "end_withdrawn", "end_scheduled", "unpaused", "paused", "started"]


def test_provider_accepts_and_sees_no_more_than_a_name(api_client: Connect) -> None:
    provider = make_member("developer")
    plan = make_plan(make_api(organization=provider.organization), requires_approval=True)
    subscription = make_subscription(plan=plan)
    client = api_client(provider)

    rows = client.get("/api/v1/provider/subscriptions").data["data"]
    assert rows[0]["subscriber"] == subscription.consumer_organization.name
    assert not {"workspace", "timezone", "anchor"} & rows[0].keys()

    base = f"/api/v1/provider/subscriptions/{subscription.public_id}"
    assert client.post(f"{base}/accept").data["status"] == "active"
    assert client.post(f"{base}/accept").status_code == 409
    suspended = client.post(f"{base}/suspend", {"reason": "abuse"})
    assert (suspended.data["status"], suspended.data["status_reason"]) == ("suspended", "abuse")
    assert client.post(f"{base}/resume").data["status"] == "active"


def test_viewer_may_read_but_not_subscribe(api_client: Connect) -> None:
    client = api_client(make_member("viewer"))

    assert client.get(LIST).status_code == 200
    assert client.post(LIST, {"plan": make_plan().public_id}).status_code == 403
    assert not Subscription.objects.exists()


@pytest.mark.parametrize("count", [1, 3])
def test_lists_take_the_same_queries_for_one_and_three(
    count: int, api_client: Connect, django_assert_num_queries: Any
) -> None:
    member = make_member("owner")
    for _ in range(count):
        make_subscription(consumer=member.organization)
    client = api_client(member)

    with django_assert_num_queries(1):
        assert len(client.get(LIST).data["data"]) == count
