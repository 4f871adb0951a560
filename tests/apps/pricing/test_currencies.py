"""Prices in several currencies: rows of one version, chosen when somebody subscribes; nothing is converted."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from apps.pricing import services
from apps.pricing.models import Plan, PriceVersion
from apps.pricing.selectors import current_version_of, current_versions_of, full_draft_of
from apps.subscriptions.models import Subscription
from tests.clients import api_client, client_for
from tests.factories.accounts import make_member
from tests.factories.apis import make_api
from tests.factories.pricing import SYSTEM, make_plan, make_price
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db


def fee(amount: str) -> list[dict[str, Any]]:
    return [{"meter": "base_fee", "name": "Base fee", "model": "flat", "flat_fee": amount}]


PRICES = [
    {"currency": "USD", "components": fee("10")},
    {"currency": "EUR", "components": fee("9.5")},
    {"currency": "JPY", "components": fee("1500")},
]


def priced_plan() -> tuple[Any, Plan]:
    member = make_member("developer")
    plan = make_plan(make_api(organization=member.organization))
    client = api_client(member)
    url = f"/api/v1/provider/plans/{plan.public_id}/versions"
    made = client.post(url, {"prices": PRICES, "quota_calls": 500})
    assert made.status_code == 201, made.data
    assert client.post(f"{url}/{made.data['id']}/publish").status_code == 200
    return member, plan


def test_each_currency_is_a_row_of_one_version() -> None:
    _member, plan = priced_plan()

    rows = PriceVersion.objects.filter(plan=plan, number=2).order_by("position")
    told = rows.values_list("currency", "is_current", "quota_calls")
    assert list(told) == [("USD", True, 500), ("EUR", True, 500), ("JPY", True, 500)]
    assert [row.number for row in current_versions_of(plan)] == [2, 2, 2]
    assert current_version_of(plan) == rows[0]
    assert len({row.published_by_user_id for row in rows}) == 1
    (offer,) = api_client().get(f"/api/v1/marketplace/apis/{plan.api.slug}/plans").data["data"]
    assert [
        (price["currency"], price["components"][0]["flat_fee"]) for price in offer["prices"]
    ] == [("USD", "10"), ("EUR", "9.5"), ("JPY", "1500")]
    assert offer["price"] == offer["prices"][0]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"prices": [PRICES[0], PRICES[0]]}, "/prices/1/currency"),
        ({"prices": [PRICES[0], {"currency": "EUR"}]}, "/prices/1/components"),
        ({"prices": [PRICES[0], {"currency": "eu"}]}, "/prices/1/currency"),
        ({"prices": [PRICES[0], {**PRICES[1], "components": fee("-1")}]},
         "/prices/1/components/0/flat_fee"),
        ({"currency": "USD", "prices": PRICES}, "/prices"),
        ({}, "/currency"),
    ],
)  # fmt: skip
def test_prices_that_do_not_fit_are_refused_at_their_place(
    body: dict[str, Any], pointer: str
) -> None:
    member = make_member("developer")
    plan = make_plan(make_api(organization=member.organization))

    answer = api_client(member).post(f"/api/v1/provider/plans/{plan.public_id}/versions", body)

    assert answer.status_code in {400, 422}
    assert pointer in [error["pointer"] for error in answer.data["errors"]]
    assert plan.versions.count() == 1


@pytest.mark.parametrize(("own", "got"), [("EUR", "EUR"), ("JPY", "JPY"), ("GBP", "USD")])
def test_who_subscribes_gets_the_own_currency_or_the_default(own: str, got: str) -> None:
    _member, plan = priced_plan()
    consumer = make_member("owner")
    consumer.organization.currency = own
    consumer.organization.save(update_fields=["currency"])

    subscription = make_subscription(plan=plan, consumer=consumer.organization)

    assert subscription.price_version.currency == got


def test_another_currency_can_be_asked_for_and_a_missing_one_is_named() -> None:
    _member, plan = priced_plan()
    client = api_client(make_member("owner"))

    refused = client.post("/api/v1/subscriptions", {"plan": plan.public_id, "currency": "GBP"})
    assert (refused.status_code, refused.data["code"]) == (422, "currency_not_offered")
    assert [error["pointer"] for error in refused.data["errors"]] == ["/currency"]
    assert not Subscription.objects.exists()

    made = client.post("/api/v1/subscriptions", {"plan": plan.public_id, "currency": "JPY"})
    assert made.status_code == 201
    assert Subscription.objects.get().price_version.currency == "JPY"


def test_the_page_subscribes_in_the_chosen_currency() -> None:
    _member, plan = priced_plan()
    browser, page = client_for(make_member("owner")), f"/console/subscribe/{plan.public_id}/"

    shown = browser.get(f"{page}?currency=EUR").content.decode()
    browser.post(page, {"currency": "EUR"})

    assert "€9.50 per month" in shown
    assert Subscription.objects.get().price_version.currency == "EUR"


def test_the_provider_adds_a_currency_on_a_page() -> None:
    member = make_member("developer")
    plan = make_plan(make_api(organization=member.organization))
    browser, page = client_for(member), f"/console/provider/plans/{plan.public_id}/currency/"
    typed = {
        "currency": "eur",
        "c0_flat_fee": "8",
        "c1_t0_unit_price": "0.0018",
        "c1_t1_unit_price": "0.0009",
        "publish": "1",
    }
    asked = browser.get(page).content.decode()
    assert "Calls, tier 2: Price of a unit" in asked
    assert "0.001 in USD" in asked

    refused = browser.post(page, {**typed, "currency": "usd"})
    answer = browser.post(page, typed)

    assert "This currency has a price already." in refused.content.decode()
    assert answer.status_code == 302
    usd, eur = current_versions_of(plan)
    assert (usd.number, usd.currency, eur.currency) == (2, "USD", "EUR")
    draft = full_draft_of(usd)
    assert draft.components == full_draft_of(plan.versions.get(number=1)).components
    euros = draft.other_prices[0].components
    assert [euros[0].flat_fee, euros[1].tiers[1].unit_price] == [Decimal(8), Decimal("0.0009")]


def test_a_new_number_takes_over_in_every_currency() -> None:
    _member, plan = priced_plan()
    third = services.add_price_version(plan=plan, draft=make_price(), actor=SYSTEM)

    services.publish_version(version=third, actor=SYSTEM)

    plan.refresh_from_db()
    assert [row.number for row in current_versions_of(plan)] == [3]
