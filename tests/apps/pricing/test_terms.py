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

pytestmark = pytest.mark.django_db

FEATURES = [{"key": "sso", "label": "Single sign-on"}, {"key": "export", "label": "Data export"}]


def provider() -> tuple[APIClient, Any, Any]:
    member = make_member("developer")
    return api_client(member), member, make_api(organization=member.organization)


def test_terms_over_rest_reach_the_offer() -> None:
    client, _member, api = provider()
    terms = {"trial_days": 14, "trial_requires_card": True, "trial_end": "end"}
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


@pytest.mark.parametrize("interval", BillingInterval.values)
def test_every_interval_has_words(interval: str) -> None:
    assert "2 " in str(interval_words(interval, 2))
