from __future__ import annotations

import pytest
from django.core.cache import cache

from apps.accounts.models import Membership
from apps.pricing.models import Promotion
from tests.clients import api_client
from tests.factories.accounts import make_member, make_staff
from tests.factories.pricing import make_plan, make_promotion
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db

MINE = "/api/v1/provider/promotions"
OPERATORS = "/api/v1/admin/promotions"
VALIDATE = "/api/v1/pricing/promotions/validate"
DRAFT = {"name": "Spring", "code": "spring", "kind": "percentage", "percent_off": "12.5"}


@pytest.fixture(autouse=True)
def fresh_counts() -> None:
    cache.clear()


@pytest.fixture
def owner() -> Membership:
    return make_member("owner")


def test_a_provider_makes_changes_and_stops_promotions_of_its_own(owner: Membership) -> None:
    client, stranger = api_client(owner), api_client(make_member("owner"))
    made = client.post(MINE, DRAFT, format="json")
    assert made.status_code == 201, made.json()
    body = made.json()
    assert (body["code"], body["percent_off"], body["duration"], body["plans"]) == (
        "SPRING",
        "12.5",
        "once",
        [],
    )
    one = f"{MINE}/{body['id']}"
    changed = client.patch(one, {"max_redemptions": 3, "countries": ["ZW"]}, format="json")
    assert (changed.status_code, changed.json()["max_redemptions"]) == (200, 3)
    assert client.post(f"{one}/deactivate").json()["is_active"] is False
    assert client.post(f"{one}/activate").json()["is_active"] is True
    for answer in (stranger.get(one), stranger.patch(one, {}), stranger.post(f"{one}/activate")):
        assert answer.status_code == 404
    assert stranger.get(MINE).json()["data"] == []


def test_a_bad_promotion_is_refused_field_by_field(owner: Membership) -> None:
    body = {**DRAFT, "percent_off": "120", "plans": ["pln_none"], "duration": "periods"}
    refused = api_client(owner).post(MINE, body, format="json")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_promotion")
    pointers = {error["pointer"] for error in refused.json()["errors"]}
    assert pointers == {"/percent_off", "/plans/0", "/duration_periods"}
    odd = api_client(owner).post(MINE, {**DRAFT, "kind": "gift"}, format="json")
    assert odd.status_code == 400
    assert Promotion.objects.count() == 0


def test_the_operator_has_its_own(owner: Membership) -> None:
    client = api_client(make_staff("operator"))
    made = client.post(OPERATORS, DRAFT, format="json")
    assert made.status_code == 201, made.json()
    assert Promotion.objects.get().is_operators
    providers = make_promotion(owner.organization)
    assert client.get(f"{OPERATORS}/{providers.public_id}").status_code == 404
    assert [row["id"] for row in client.get(OPERATORS).json()["data"]] == [made.json()["id"]]


@pytest.mark.parametrize("count", [1, 3])
def test_a_list_costs_the_same_for_one_and_for_three(
    owner: Membership, count: int, django_assert_num_queries: object
) -> None:
    for number in range(count):
        make_promotion(owner.organization, code=f"CODE{number}")
    client = api_client(owner)
    with django_assert_num_queries(3):  # type: ignore[operator]  # the fixture's type is a callable
        assert len(client.get(MINE).json()["data"]) == count


def test_a_code_is_checked_redeemed_shown_and_taken_off(owner: Membership) -> None:
    plan, client = make_plan(), api_client(owner)
    make_promotion(plan.organization)
    question = {"code": "welcome20", "plan": plan.public_id}
    answer = client.post(VALIDATE, question, format="json").json()
    assert (answer["valid"], answer["reason"], answer["promotion"]["percent_off"]) == (
        True,
        None,
        "20.00",
    )
    unknown = client.post(VALIDATE, {**question, "code": "nope"}, format="json").json()
    make_promotion(make_plan().organization, code="THEIRS")
    theirs = client.post(VALIDATE, {**question, "code": "theirs"}, format="json").json()
    assert (
        unknown
        == theirs
        == {
            "valid": False,
            "reason": "unknown",
            "detail": "There is no promotion with this code for this plan.",
            "promotion": None,
        }
    )
    made = client.post(
        "/api/v1/subscriptions",
        {"plan": plan.public_id, "promotion_code": "WELCOME20"},
        format="json",
    )
    assert made.status_code == 201, made.json()
    page = f"/api/v1/subscriptions/{made.json()['id']}/promotions"
    (held,) = client.get(page).json()["data"]
    assert (held["promotion"]["name"], held["periods_left"], held["is_running"]) == (
        "Welcome",
        1,
        True,
    )
    again = client.post(page, {"code": "WELCOME20"}, format="json")
    assert (again.status_code, again.json()["reason"]) == (422, "already_used")
    stranger = api_client(make_member("owner"))
    assert stranger.get(page).status_code == 404
    assert stranger.delete(f"{page}/{held['id']}").status_code == 404
    assert client.delete(f"{page}/{held['id']}").status_code == 204
    assert client.get(page).json()["data"] == []
    asked = {"code": "WELCOME20", "subscription": made.json()["id"]}
    assert client.post(VALIDATE, asked, format="json").json()["valid"] is True
    both = client.post(VALIDATE, {**asked, "plan": plan.public_id}, format="json")
    assert both.status_code == 400


def test_codes_cannot_be_found_by_trying(owner: Membership) -> None:
    plan, client = make_plan(), api_client(owner)
    question = {"code": "guess", "plan": plan.public_id}
    statuses = [client.post(VALIDATE, question, format="json").status_code for _ in range(21)]
    assert statuses == [200] * 20 + [429]
    subscription = make_subscription(plan=plan, consumer=owner.organization)
    path = f"/api/v1/subscriptions/{subscription.public_id}/promotions"
    assert client.post(path, {"code": "guess"}, format="json").status_code == 429
