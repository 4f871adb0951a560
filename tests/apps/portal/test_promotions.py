from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.urls import reverse

from apps.accounts.models import Membership
from apps.pricing.enums import PromotionDuration, PromotionKind
from apps.pricing.models import Promotion
from apps.subscriptions.models import PromotionRedemption, Subscription
from apps.subscriptions.services import redeem_promotion
from tests.clients import api_client, client_for
from tests.factories.accounts import make_member
from tests.factories.billing import SYSTEM, close_month, make_billed_subscription
from tests.factories.pricing import make_plan, make_promotion
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db

LIST = "/console/provider/promotions/"
FIELDS = {
    "name": "Spring",
    "code": "SPRING",
    "kind": "percentage",
    "percent_off": "20",
    "duration": "once",
    "priority": "50",
    "max_per_customer": "1",
}


@pytest.fixture(autouse=True)
def fresh_counts() -> None:
    cache.clear()


@pytest.fixture
def owner() -> Membership:
    return make_member("owner")


def test_a_provider_makes_changes_and_stops_a_promotion_in_the_console(owner: Membership) -> None:
    client = client_for(owner)
    assert "No promotions yet" in client.get(LIST).content.decode()
    bad = client.post(f"{LIST}new/", {**FIELDS, "percent_off": "120", "code": "x"})
    text = bad.content.decode()
    assert "Choose a number from 0.01 to 100." in text
    assert "Use 3 to 40 letters, digits, - and _." in text
    made = client.post(
        f"{LIST}new/",
        {
            **FIELDS,
            "kind": "fixed_amount",
            "percent_off": "",
            "amount_off": "12.50",
            "currency": "usd",
            "countries": "zw, ke",
        },
    )
    promotion = Promotion.objects.get()
    assert made.headers["Location"] == f"{LIST}{promotion.public_id}/"
    assert (promotion.amount_off_minor, promotion.currency, promotion.countries) == (
        1250,
        "USD",
        ["ZW", "KE"],
    )
    page = f"{LIST}{promotion.public_id}/"
    assert "$12.50 off" in client.get(page).content.decode()
    assert 'value="12.50"' in client.get(f"{page}edit/").content.decode()
    changed = {
        **FIELDS,
        "kind": "fixed_amount",
        "percent_off": "",
        "amount_off": "10",
        "currency": "USD",
        "name": "Summer",
    }
    assert client.post(f"{page}edit/", changed).status_code == 302
    client.post(f"{page}stop/")
    promotion.refresh_from_db()
    assert (promotion.name, promotion.is_active) == ("Summer", False)
    stranger = client_for(make_member("owner"))
    assert stranger.get(page).status_code == 404
    assert stranger.post(f"{page}start/").status_code == 404


def test_the_page_of_a_promotion_says_what_it_gave(owner: Membership) -> None:
    subscription = make_billed_subscription(provider=owner.organization)
    make_promotion(owner.organization)
    redeem_promotion(subscription=subscription, code="WELCOME20", actor=SYSTEM)
    close_month(subscription)
    promotion = Promotion.objects.get()
    text = client_for(owner).get(f"{LIST}{promotion.public_id}/").content.decode()
    assert "1 time redeemed" in text
    assert "$2.00" in text
    assert subscription.consumer_organization.name in text


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_costs_the_same_for_one_and_for_three(
    owner: Membership, count: int, django_assert_max_num_queries: Any
) -> None:
    for number in range(count):
        make_promotion(owner.organization, code=f"CODE{number}")
    client = client_for(owner)
    client.get(LIST)
    with django_assert_max_num_queries(14):
        assert client.get(LIST).content.decode().count("CODE") == count


def test_the_first_bill_is_shown_with_the_code_and_then_subscribed(owner: Membership) -> None:
    """A fee of 9.00, less 10 percent by itself and 5.00 by code."""
    plan, client = make_plan(), client_for(owner)
    make_promotion(plan.organization, name="For all", percent_off=Decimal(10), is_automatic=True)
    make_promotion(
        plan.organization,
        name="Five",
        kind=PromotionKind.FIXED_AMOUNT,
        amount_off_minor=500,
        currency="USD",
        duration=PromotionDuration.FOREVER,
    )
    path = reverse("portal:subscribe", args=[plan.public_id])
    first = client.get(path).content.decode()
    assert "For all" in first
    assert "$8.10" in first
    refused = client.post(path, {"code": "nope", "try": "1"}).content.decode()
    assert "There is no promotion with this code for this plan." in refused
    tried = client.post(path, {"code": "welcome20", "try": "1"}).content.decode()
    assert "$3.10" in tried
    assert Subscription.objects.count() == 0
    assert client.post(path, {"code": "nope"}).status_code == 422
    assert Subscription.objects.count() == 0
    assert client.post(path, {"code": "welcome20"}).status_code == 302
    assert PromotionRedemption.objects.get().promotion.name == "Five"


def test_a_subscriber_redeems_and_takes_off_on_the_subscriptions_page(owner: Membership) -> None:
    plan, client = make_plan(), client_for(owner)
    subscription = make_subscription(plan=plan, consumer=owner.organization)
    make_promotion(plan.organization)
    page = reverse("portal:subscription", args=[subscription.public_id])
    path = reverse("portal:subscription_promotions", args=[subscription.public_id])
    client.post(path, {"code": "nope"})
    assert "There is no promotion with this code" in client.get(page).content.decode()
    client.post(path, {"code": "welcome20"})
    text = client.get(page).content.decode()
    assert "20 percent off" in text
    assert "1 more period" in text
    row = PromotionRedemption.objects.get()
    remove = reverse(
        "portal:subscription_promotion_remove", args=[subscription.public_id, row.public_id]
    )
    assert client_for(make_member("owner")).post(remove).status_code == 404
    client.post(remove)
    row.refresh_from_db()
    assert row.withdrawn_at is not None


def test_a_quote_counts_promotions(owner: Membership) -> None:
    plan = make_plan()
    make_promotion(plan.organization, percent_off=Decimal(50))
    question = {
        "plan": plan.public_id,
        "usage": {"calls": "12000"},
        "promotion_code": "welcome20",
        "promotions": True,
    }
    body = api_client(owner).post("/api/v1/pricing/quote", question, format="json").json()
    assert (body["fees_minor"], body["discounts_minor"], body["total_minor"]) == (
        3000,
        [1500],
        1500,
    )
    assert body["promotions"][0]["amount_minor"] == 1500
    refused = api_client(owner).post(
        "/api/v1/pricing/quote", {**question, "promotion_code": "nope"}, format="json"
    )
    assert (refused.status_code, refused.json()["reason"]) == (422, "unknown")
    nobody = api_client().post("/api/v1/pricing/quote", question, format="json")
    assert (nobody.status_code, nobody.json()["reason"]) == (422, "unknown")
