"""Fixed terms, percentages per event and followed pricing models in a browser, in three looks."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import transaction
from playwright.sync_api import BrowserContext, Page, expect

from apps.accounts.models import Membership
from apps.pricing import services
from apps.pricing.drafts import ComponentDraft, PriceDraft
from apps.pricing.enums import PriceModel
from apps.pricing.models import Plan
from apps.subscriptions.models import Subscription
from apps.usage.models import Meter
from tests.browser.conftest import LOOKS, Look, watched
from tests.browser.test_catalogue import look_at, sign_in
from tests.factories.accounts import make_member
from tests.factories.apis import make_api
from tests.factories.pricing import SYSTEM, make_plan
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db(transaction=True)

PAYMENTS = PriceDraft(
    currency="USD",
    components=(
        ComponentDraft(
            meter="payments",
            name="Payments",
            model=PriceModel.PERCENTAGE,
            rate_percent=Decimal("1.5"),
            fixed_fee=Decimal("0.30"),
            free_events=10,
            min_per_event=Decimal("0.50"),
            max_per_event=Decimal(5),
        ),
    ),
)


@pytest.fixture
def member(transactional_db: None) -> Membership:
    """A provider with a plan for a year of payments, who is a subscriber of it too."""
    member = make_member("owner", name="Mara Okafor")
    with transaction.atomic():
        api = make_api(organization=member.organization, name="City payments")
    Meter.objects.create(
        organization=member.organization, api=api, key="payments", name="Payments", unit="USD",
        source="property", property_name="amount", aggregation="sum",
    )  # fmt: skip
    plan = make_plan(api, name="Yearly", price=PAYMENTS, term_periods=12)
    for key, name in (("start", "Start"), ("growth", "Growth")):
        definition = {"id": key, "name": name, "type": "subscription", "billing_cycle": "monthly"}
        services.create_pricing_model(definition={**definition, "base_price": "29"}, actor=SYSTEM)
    make_subscription(plan=plan, consumer=member.organization)
    return member


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_pages_of_terms_and_events(
    look: Look,
    member: Membership,
    live_server: object,
    open_context: Callable[..., BrowserContext],
    find_violations: Callable[[Page], list[str]],
    artifacts: Path,
) -> None:
    context = open_context(look)
    sign_in(context, member, str(live_server))
    page = watched(context.new_page())
    plan, mine = Plan.objects.get().public_id, Subscription.objects.get().public_id
    for name, path in (
        ("term-plan", f"/console/provider/plans/{plan}/"),
        ("term-edit", f"/console/provider/plans/{plan}/edit/"),
        ("event-price", f"/console/provider/plans/{plan}/price/"),
        ("follow-model", f"/console/provider/plans/{plan}/follow/"),
        ("term-subscription", f"/console/subscriptions/{mine}/"),
        ("term-subscribe", f"/console/subscribe/{plan}/"),
        ("term-api", "/apis/city-payments/"),
    ):
        look_at(page, path, name, look, artifacts, find_violations)

    page.goto(f"/console/subscriptions/{mine}/")
    page.get_by_role("button", name="Let it end with its term").click()
    expect(page.get_by_role("button", name="Let another term follow")).to_be_visible()
    page.goto(f"/console/provider/plans/{plan}/follow/")
    page.get_by_role("combobox", name="Pricing model").select_option("growth")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("follows “Growth”", exact=True)).to_be_visible()
    page.goto(f"/console/provider/plans/{plan}/price/")
    page.get_by_label("Usage in a period").fill("1114")
    page.get_by_label("Events in a period").fill("4")
    expect(page.locator("#preview-result")).to_contain_text("$0.00")
    page.get_by_label("Events in a period").fill("14")
    # 10 are free; of 79.57 each, 4 cost 1.49.
    expect(page.locator("#preview-result")).to_contain_text("$5.97")
