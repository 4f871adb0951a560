"""The catalogue's files under a relay that runs: an edit counts without a restart, a bad one is shown and changes nothing."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from django.urls import reverse

from apps.pricing import services
from apps.pricing.enums import LoadOutcome
from apps.pricing.models import CatalogueLoad, CatalogueModel, Plan
from tests.apps.gateway.dataplane.harness import wait_for
from tests.clients import api_client, client_for
from tests.factories.accounts import make_staff
from tests.factories.apis import make_api
from tests.factories.pricing import SYSTEM
from tests.integration.conftest import relay_process

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

TEXT = """\
pricing_models:
  - id: basic
    name: Basic
    type: subscription
    billing_cycle: monthly
    base_price: {price}
"""


def price_of(plan: Plan) -> Decimal | None:
    current = plan.versions.get(is_current=True)
    return current.components.get(model="flat").flat_fee


def follower_of(model: CatalogueModel) -> Plan:
    """Publish a plan that follows a model."""
    plan = services.create_plan_from_model(api=make_api(), model=model, follow=True, actor=SYSTEM)
    return services.publish_plan(plan=plan, actor=SYSTEM)


def test_edits_count_without_a_restart_and_bad_ones_do_not(tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(TEXT.format(price="10.00"), encoding="utf-8")
    operator = make_staff("operator")
    with relay_process(tmp_path, PRICING_CATALOGUE=str(path)) as relay:
        wait_for(CatalogueModel.objects.exists, timeout_s=20, what="the first load")
        plan = follower_of(CatalogueModel.objects.get())

        path.write_text(TEXT.format(price="12.50"), encoding="utf-8")
        wait_for(lambda: price_of(plan) == Decimal("12.50"), timeout_s=20, what="the new price")
        # The price before is still there to be read, and belongs to whoever subscribed to it.
        fees = [version.components.get().flat_fee for version in plan.versions.order_by("number")]
        assert fees == [Decimal(10), Decimal("12.50")]
        listed = api_client(operator).get("/api/v1/admin/pricing/models/basic/versions").json()
        assert [row["definition"]["base_price"] for row in listed["data"]] == ["12.50", "10.00"]

        path.write_text(TEXT.format(price="-3"), encoding="utf-8")
        refused = CatalogueLoad.objects.filter(outcome=LoadOutcome.REFUSED)
        wait_for(refused.exists, timeout_s=20, what="the refusal")
        assert price_of(plan) == Decimal("12.50")
        pages = client_for(operator)
        shown = pages.get(reverse("admin:pricing_catalogueload_change", args=[refused.get().pk]))
        text = " ".join(shown.content.decode().split())
        assert "prices.yaml" in text
        problem = refused.get().problems[0]
        assert (problem["line"], problem["pointer"]) == (6, "/pricing_models/0/base_price")
        assert '<td class="num">6</td>' in text
        assert problem["detail"] in text
        assert "Pricing catalogue refused" in pages.get("/backoffice/").content.decode()

        path.write_text(TEXT.format(price="15.00"), encoding="utf-8")
        wait_for(lambda: price_of(plan) == Decimal(15), timeout_s=20, what="the mended file")
        assert "Pricing catalogue refused" not in pages.get("/backoffice/").content.decode()
        assert relay.child is not None
        assert relay.child.poll() is None  # the process that was started is the one that runs
    outcomes = list(CatalogueLoad.objects.order_by("id").values_list("outcome", flat=True))
    assert outcomes == ["applied", "applied", "refused", "applied"]
