"""The terms of plans and prices: from the builder and REST to the offer, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.pricing.enums import BillingInterval
from apps.pricing.models import Plan, PriceVersion
from apps.pricing.selectors import draft_of
from apps.pricing.summaries import interval_words, summary_of
from tests.clients import api_client, client_for
from tests.factories.accounts import make_member
from tests.factories.apis import make_api
from tests.factories.pricing import make_plan

pytestmark = pytest.mark.django_db

FEATURES = [{"key": "sso", "label": "Single sign-on"}, {"key": "export", "label": "Data export"}]


def provider() -> tuple[APIClient, Any, Any]:
    member = make_member("developer")
    return api_client(member), member, make_api(organization=member.organization)


def test_terms_over_rest_reach_the_offer() -> None:
    client, _member, api = provider()
    terms = {
        "trial_days": 14,
        "trial_requires_card": True,
        "trial_end": "end",
        "term_periods": 12,
        "term_end": "expire",
        "term_end_optional": False,
        "max_quantity": 25,
        "refund_policy": "full",
    }
    created = client.post(
        "/api/v1/provider/plans", {"api": api.public_id, "name": "Basic", **terms}
    )
    plan = f"/api/v1/provider/plans/{created.data['id']}"
    price = {
        "currency": "EUR",
        "interval": "quarter",
        "interval_count": 2,
        "alignment": "calendar",
        "features": FEATURES,
    }
    assert client.post(f"{plan}/versions", price).status_code == 201
    assert client.post(f"{plan}/publish").status_code == 200

    (offer,) = api_client().get(f"/api/v1/marketplace/apis/{api.slug}/plans").data["data"]

    assert {name: offer[name] for name in terms} == terms
    assert {name: offer["price"][name] for name in price} == price


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"interval": "fortnight"}, "/interval"),
        ({"alignment": "moon"}, "/alignment"),
        ({"currency": "XXZ"}, "/currency"),
        ({"features": [{"key": "sso"}]}, "/features/0/label"),
        ({"features": [{"key": "S S O", "label": "A"}]}, "/features/0/key"),
    ],
)
def test_bad_terms_name_the_field_and_save_nothing(change: dict[str, Any], pointer: str) -> None:
    client, _member, api = provider()
    created = client.post("/api/v1/provider/plans", {"api": api.public_id, "name": "Basic"})

    answer = client.post(
        f"/api/v1/provider/plans/{created.data['id']}/versions", {"currency": "USD", **change}
    )

    assert answer.status_code in {400, 422}
    assert [error["pointer"] for error in answer.data["errors"]] == [pointer]
    assert not PriceVersion.objects.exists()


def test_terms_in_the_builder_come_back_in_the_next_price() -> None:
    _client, member, api = provider()
    browser = client_for(member)
    typed = {
        "api": str(api.pk),
        "name": "Pro",
        "key_limit": "5",
        "trial_days": "7",
        "trial_requires_card": "on",
        "trial_end": "end",
        "currency": "usd",
        "components": "1",
        "c0-model": "flat",
        "c0-flat_fee": "9",
        "interval": "half_year",
        "interval_count": "1",
        "alignment": "calendar",
        "quota_kind": "hard",
        "features": "sso: Single sign-on\nData export\n\n",
        "publish": "1",
    }

    answer = browser.post("/console/provider/plans/new/", typed)

    assert answer.status_code == 302
    plan = Plan.objects.get(name="Pro")
    assert (plan.trial_days, plan.trial_requires_card, plan.trial_end) == (7, True, "end")
    version = plan.versions.get()
    assert (version.interval, version.alignment) == ("half_year", "calendar")
    assert dict(draft_of(version).features) == {
        "sso": "Single sign-on",
        "data_export": "Data export",
    }
    assert summary_of(version).features == ("Single sign-on", "Data export")
    page = browser.get(answer["Location"]).content.decode()
    assert "Single sign-on, Data export" in page
    assert "begin with the calendar" in page
    form = browser.get(f"{answer['Location']}price/").content.decode()
    assert "sso: Single sign-on\ndata_export: Data export" in form


def test_how_a_plan_is_sold_is_changed_alone_and_stays() -> None:
    client, _member, api = provider()
    created = client.post("/api/v1/provider/plans", {"api": api.public_id, "name": "Basic"})
    plan = f"/api/v1/provider/plans/{created.data['id']}"
    assert (created.data["max_quantity"], created.data["refund_policy"]) == (1, "prorated")

    changed = client.patch(plan, {"max_quantity": 10, "refund_policy": "none"})
    renamed = client.patch(plan, {"name": "Small"})

    for answer in (changed, renamed, client.get(plan)):
        assert answer.status_code == 200
        assert (answer.data["max_quantity"], answer.data["refund_policy"]) == (10, "none")


@pytest.mark.parametrize(
    "change",
    [
        {"max_quantity": 0},
        {"max_quantity": 100_001},
        {"max_quantity": None},
        {"refund_policy": "half"},
        {"refund_policy": ""},
    ],
)
def test_bad_terms_of_sale_name_the_field_and_save_nothing(change: dict[str, Any]) -> None:
    client, _member, api = provider()

    answer = client.post(
        "/api/v1/provider/plans", {"api": api.public_id, "name": "Basic", **change}
    )

    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.data["errors"]] == [f"/{next(iter(change))}"]
    assert not Plan.objects.exists()


def test_how_a_plan_is_sold_is_set_in_the_console_and_compared() -> None:
    member = make_member("owner")
    plan = make_plan(make_api(organization=member.organization))
    browser = client_for(member)
    page = f"/console/provider/plans/{plan.public_id}/"
    typed = {"name": "Basic", "key_limit": "5", "max_quantity": "25", "refund_policy": "none"}
    bad = browser.post(f"{page}edit/", {**typed, "max_quantity": "0"})
    assert "greater than or equal to 1" in bad.content.decode()

    assert browser.post(f"{page}edit/", typed).status_code == 302

    plan.refresh_from_db()
    assert (plan.max_quantity, plan.refund_policy) == (25, "none")
    form = browser.get(f"{page}edit/").content.decode()
    assert 'name="max_quantity" value="25"' in form
    assert "<dt>Units at most</dt><dd>25</dd>" in browser.get(page).content.decode()
    make_plan(plan.api, name="Pro")
    shown = " ".join(browser.get(f"/apis/{plan.api.slug}/").content.decode().split())
    assert "up to 25" in shown
    assert "Given back when cancelled at once" in shown


@pytest.mark.parametrize("interval", BillingInterval.values)
def test_every_interval_has_words(interval: str) -> None:
    assert "2 " in str(interval_words(interval, 2))
