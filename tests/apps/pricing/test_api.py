"""Plans over REST."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import Membership
from tests.factories.accounts import make_member
from tests.factories.apis import make_api
from tests.factories.pricing import make_plan

pytestmark = pytest.mark.django_db

Connect = Callable[..., APIClient]

PRICE = {
    "currency": "USD",
    "quota_calls": 10_000,
    "quota_kind": "soft",
    "rate_per_second": 20,
    "rate_per_hour": 900,
    "rate_per_day": 9_000,
    "components": [
        {"meter": "base_fee", "name": "Base fee", "model": "flat", "flat_fee": "9"},
        {
            "meter": "calls",
            "name": "Calls",
            "model": "graduated",
            "free_units": "1000",
            "tiers": [
                {"up_to": "10000", "unit_price": "0.002"},
                {"up_to": None, "unit_price": "0.001"},
            ],
        },
    ],
}


def provider() -> tuple[Membership, Any]:
    member = make_member("developer")
    return member, make_api(organization=member.organization)


def test_plan_from_draft_to_offer(api_client: Connect) -> None:
    member, api = provider()
    client = api_client(member)

    created = client.post("/api/v1/provider/plans", {"api": api.public_id, "name": "Basic"})
    assert (created.status_code, created.data["status"], created.data["price"]) == (
        201,
        "draft",
        None,
    )
    plan = f"/api/v1/provider/plans/{created.data['id']}"
    version = client.post(f"{plan}/versions", PRICE)
    assert version.status_code == 201
    rest = {"flat_fee": "0", "package_size": None, "rate_percent": "0"}
    assert version.data["components"][1]["tiers"] == [
        {**rest, "up_to": "10000", "unit_price": "0.002"},
        {**rest, "up_to": None, "unit_price": "0.001"},
    ]
    assert client.post(f"{plan}/publish").data["status"] == "published"

    offers = api_client().get(f"/api/v1/marketplace/apis/{api.slug}/plans").data["data"]
    assert [offer["name"] for offer in offers] == ["Basic"]
    assert offers[0]["price"]["quota_kind"] == "soft"
    assert (offers[0]["price"]["rate_per_hour"], offers[0]["price"]["rate_per_day"]) == (900, 9_000)
    assert "status" not in offers[0]


def test_bad_price_names_each_defect_and_saves_nothing(api_client: Connect) -> None:
    member, api = provider()
    plan = make_plan(api)
    tiers = [{"up_to": "5", "unit_price": "-1"}, {"up_to": "5", "unit_price": "1"}]
    component = {"name": "Calls", "model": "volume", "tiers": tiers}

    answer = api_client(member).post(
        f"/api/v1/provider/plans/{plan.public_id}/versions",
        {"currency": "USD", "components": [component]},
    )

    assert (answer.status_code, answer.data["code"]) == (422, "invalid_price")
    assert [(error["pointer"], error["code"]) for error in answer.data["errors"]] == [
        ("/components/0/tiers/0/unit_price", "out_of_range"),
        ("/components/0/tiers/1/up_to", "not_open"),
        ("/components/0/tiers/1/up_to", "not_rising"),
    ]
    assert plan.versions.count() == 1


def test_plan_of_another_organization_is_not_found(api_client: Connect) -> None:
    plan, client = make_plan(), api_client(make_member("owner"))
    base = f"/api/v1/provider/plans/{plan.public_id}"

    for method, path in [("get", ""), ("patch", ""), ("post", "/publish"), ("post", "/close")]:
        assert getattr(client, method)(f"{base}{path}").status_code == 404
    refused = client.post("/api/v1/provider/plans", {"api": plan.api.public_id, "name": "X"})
    assert refused.status_code == 404


def test_create_plan_twice_with_one_idempotency_key_makes_one(api_client: Connect) -> None:
    member, api = provider()
    client, body = api_client(member), {"api": api.public_id, "name": "Basic"}

    answers = [
        client.post("/api/v1/provider/plans", body, headers={"Idempotency-Key": "one"})
        for _ in range(2)
    ]

    assert answers[0].data == answers[1].data
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    assert api.plans.count() == 1


def test_patch_changes_only_what_is_sent(api_client: Connect) -> None:
    member, api = provider()
    plan = make_plan(api, trial_days=7)

    answer = api_client(member).patch(
        f"/api/v1/provider/plans/{plan.public_id}", {"description": "For small shops"}
    )

    assert (answer.data["name"], answer.data["trial_days"]) == ("Basic", 7)
    assert answer.data["description"] == "For small shops"


def test_quote_explains_the_bill(api_client: Connect) -> None:
    plan = make_plan()

    answer = api_client().post(
        "/api/v1/pricing/quote", {"plan": plan.public_id, "usage": {"calls": "12000"}}
    )

    assert answer.status_code == 200
    assert (answer.data["currency"], answer.data["total_minor"]) == ("USD", 3000)
    assert [(line["meter"], line["amount_exact"]) for line in answer.data["lines"]] == [
        ("base_fee", "9"),
        ("calls", "21"),
    ]
    assert [step["quantity"] for step in answer.data["lines"][1]["steps"]] == [
        "1000",
        "10000",
        "1000",
    ]


def test_quote_of_a_hidden_plan_is_not_found(api_client: Connect) -> None:
    plan = make_plan(is_private=True)

    answer = api_client().post("/api/v1/pricing/quote", {"plan": plan.public_id})

    assert answer.status_code == 404


@pytest.mark.parametrize("plan_count", [1, 3])
def test_provider_plans_take_the_same_queries_for_one_and_three(
    plan_count: int, api_client: Connect, django_assert_num_queries: Any
) -> None:
    member, api = provider()
    for number in range(plan_count):
        make_plan(api, name=f"Plan {number}")
    client = api_client(member)

    with django_assert_num_queries(4):
        answer = client.get("/api/v1/provider/plans")

    assert len(answer.data["data"]) == plan_count
