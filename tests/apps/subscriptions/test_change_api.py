"""Changes of plan over REST: preview, apply once, take back, history; each side its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import Organization
from apps.pricing.models import Plan
from apps.subscriptions.models import Subscription, SubscriptionChange
from tests.factories.accounts import OrganizationFactory, make_member
from tests.factories.plan_changes import APRIL, charged, make_offer, make_paying, set_clock

pytestmark = pytest.mark.django_db

Connect = Callable[..., APIClient]


@pytest.fixture
def consumer() -> Organization:
    """A sandbox account."""
    return OrganizationFactory(is_sandbox=True)


@pytest.fixture
def subscription(consumer: Organization) -> Subscription:
    """100.00 a month in advance since 1 April; it is the 11th."""
    made = make_paying("100", consumer=consumer)
    set_clock(consumer, APRIL.replace(day=11, hour=12))
    return made


@pytest.fixture
def client(api_client: Connect, consumer: Organization) -> APIClient:
    """A developer of the consumer."""
    return api_client(make_member("developer", organization=consumer))


def url(subscription: Subscription, path: str = "") -> str:
    """Return an address below a subscription."""
    return f"/api/v1/subscriptions/{subscription.public_id}{path}"


def test_preview_then_change_charges_what_was_shown(
    client: APIClient, subscription: Subscription
) -> None:
    pro = make_offer(subscription, "150", quota_calls=9_000)
    wish = {"plan": pro.public_id}

    shown = client.post(url(subscription, "/change-preview"), wish)

    assert shown.status_code == 200
    assert (shown.data["direction"], shown.data["timing"]) == ("upgrade", "now")
    assert shown.data["net"] == {"amount_minor": 3_333, "currency": "USD"}
    assert [
        (line["is_credit"], line["amount"]["amount_minor"], line["billed_days"], line["due"])
        for line in shown.data["lines"]
    ] == [(True, -6_667, 20, "now"), (False, 10_000, 20, "now")]
    assert shown.data["before"]["quota_calls"] is None
    assert shown.data["after"]["quota_calls"] == 9_000
    assert charged(subscription) == [10_000]

    body = {**wish, "token": shown.data["token"], "expected_net_minor": 3_333}
    headers = {"Idempotency-Key": "change-1"}
    first = client.post(url(subscription, "/change"), body, headers=headers)
    again = client.post(url(subscription, "/change"), body, headers=headers)

    assert (first.status_code, first.data["plan"]) == (200, pro.public_id)
    assert first.data["quota"]["limit"] == 9_000
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
    assert charged(subscription) == [10_000, -6_667, 10_000]
    history = client.get(url(subscription, "/changes")).data["data"]
    assert (history[0]["kind"], history[0]["net"]["amount_minor"]) == ("plan_changed", 3_333)
    assert len(history[0]["quote"]["lines"]) == 2


def test_downgrade_is_planned_shown_and_taken_back(
    client: APIClient, subscription: Subscription
) -> None:
    small = make_offer(subscription, "50", name="Small")

    planned = client.post(url(subscription, "/change"), {"plan": small.public_id})

    change = planned.data["scheduled_change"]
    assert (change["plan_name"], change["due_at"]) == ("Small", "2030-05-01T00:00:00Z")
    assert planned.data["plan_name"] == "Basic"
    kept = client.delete(url(subscription, "/change"))
    assert (kept.status_code, kept.data["scheduled_change"]) == (200, None)
    again = client.delete(url(subscription, "/change"))
    assert (again.status_code, again.data["code"]) == (409, "no_change_scheduled")


@pytest.mark.parametrize(
    ("wish", "status", "code"),
    [
        ({}, 400, "validation_error"),
        ({"quantity": 1}, 409, "nothing_to_change"),
        ({"quantity": 2}, 422, "quantity_not_offered"),
        ({"quantity": 0}, 400, "validation_error"),
        ({"timing": "later"}, 400, "validation_error"),
        ({"plan": "pln_unknown"}, 404, "not_found"),
    ],
)
def test_bad_wishes(
    client: APIClient, subscription: Subscription, wish: dict[str, Any], status: int, code: str
) -> None:
    for path in ("/change-preview", "/change"):
        answer = client.post(url(subscription, path), wish, format="json")
        assert (answer.status_code, answer.data["code"]) == (status, code), answer.data
    assert not SubscriptionChange.objects.exists()


def test_stale_amount_is_a_conflict(client: APIClient, subscription: Subscription) -> None:
    pro = make_offer(subscription, "150")

    answer = client.post(
        url(subscription, "/change"), {"plan": pro.public_id, "expected_net_minor": 1}
    )

    assert (answer.status_code, answer.data["code"]) == (409, "changed_meanwhile")
    assert charged(subscription) == [10_000]


def test_private_plan_of_others_does_not_exist(
    client: APIClient, subscription: Subscription
) -> None:
    hidden = make_offer(subscription, "1", plan={"is_private": True})

    answer = client.post(url(subscription, "/change-preview"), {"plan": hidden.public_id})

    assert answer.status_code == 404


def test_cancel_quote(client: APIClient, subscription: Subscription) -> None:
    answer = client.post(url(subscription, "/cancel-quote"))

    assert (answer.status_code, answer.data["policy"]) == (200, "prorated")
    # The 11th is still used: 19 days are left.
    assert answer.data["total"] == {"amount_minor": 6_333, "currency": "USD"}
    Plan.objects.filter(pk=subscription.plan_id).update(refund_policy="none")
    assert client.post(url(subscription, "/cancel-quote")).data["total"]["amount_minor"] == 0


def test_another_tenant_finds_nothing(api_client: Connect, subscription: Subscription) -> None:
    stranger = api_client(make_member("owner"))

    for path in ("/change-preview", "/change", "/cancel-quote"):
        assert stranger.post(url(subscription, path), {}).status_code == 404
    assert stranger.delete(url(subscription, "/change")).status_code == 404
    provided = f"/api/v1/provider/subscriptions/{subscription.public_id}/changes"
    assert stranger.get(provided).status_code == 404


def test_provider_sees_changes_and_amounts_but_not_who(
    api_client: Connect, client: APIClient, subscription: Subscription
) -> None:
    pro = make_offer(subscription, "150")
    client.post(url(subscription, "/change"), {"plan": pro.public_id})
    provider = api_client(make_member("developer", organization=subscription.provider_organization))

    rows = provider.get(f"/api/v1/provider/subscriptions/{subscription.public_id}/changes").data[
        "data"
    ]

    assert (rows[0]["kind"], rows[0]["net"]["amount_minor"]) == ("plan_changed", 3_333)
    assert "actor_label" not in rows[0]


def test_change_without_a_wish_says_what_may_be_given(
    client: APIClient, subscription: Subscription
) -> None:
    for path in ("/change-preview", "/change"):
        answer = client.post(url(subscription, path), {"timing": "now"})
        assert answer.status_code == 400
        assert [error["pointer"] for error in answer.json()["errors"]] == ["/plan", "/quantity"]
