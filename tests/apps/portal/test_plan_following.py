"""Which pricing model a plan follows: chosen on a page of its own."""

from __future__ import annotations

import pytest

from apps.pricing import services
from apps.pricing.models import CatalogueModel, Plan
from tests.clients import client_for
from tests.factories.accounts import make_member
from tests.factories.pricing import SYSTEM, make_plan

pytestmark = pytest.mark.django_db


def make_model(key: str, name: str) -> CatalogueModel:
    definition = {
        "id": key,
        "name": name,
        "type": "subscription",
        "billing_cycle": "monthly",
        "base_price": "10",
    }
    services.create_pricing_model(definition=definition, actor=SYSTEM)
    return CatalogueModel.objects.get(key=key)


def followed(plan: Plan) -> str | None:
    plan.refresh_from_db()
    return plan.follows.key if plan.follows else None


def test_provider_lets_a_plan_follow_a_model_and_stop() -> None:
    plan, model = make_plan(), make_model("basic", "Basic price")
    client = client_for(make_member("developer", plan.organization))
    page, path = (f"/console/provider/plans/{plan.public_id}/{part}" for part in ("", "follow/"))

    before = client.get(page).text
    offered = client.get(path).text
    chosen = client.post(path, {"model": "basic"}, follow=True).content.decode()
    now = followed(plan)
    services.set_pricing_model_active(model=model, is_active=False, actor=SYSTEM)
    kept = client.get(path).text
    client.post(path, {"model": ""})

    assert f'href="{path}"' in before
    assert "Basic price" in offered
    assert "follows “Basic price”" in chosen
    assert now == "basic"
    assert "Basic price" in kept  # what a plan follows can be kept, although it is not on offer
    assert followed(plan) is None


def test_unknown_models_and_other_providers_change_nothing() -> None:
    plan = make_plan()
    make_model("basic", "Basic price")
    path = f"/console/provider/plans/{plan.public_id}/follow/"

    wrong = client_for(make_member("developer", plan.organization)).post(path, {"model": "none"})
    stranger = client_for(make_member("owner")).post(path, {"model": "basic"})
    viewer = client_for(make_member("viewer", plan.organization)).post(path, {"model": "basic"})

    assert [wrong.status_code, stranger.status_code, viewer.status_code] == [200, 404, 403]
    assert followed(plan) is None
