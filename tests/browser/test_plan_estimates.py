"""Pages of plans and their subscribers in a browser: estimates, histories, one subscriber, promotions in the back office."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from pytest_django import Settings

from apps.accounts.models import Membership
from apps.pricing.drafts import ComponentDraft, CurrencyPrice
from apps.pricing.enums import PriceModel
from apps.pricing.models import Plan
from apps.subscriptions.models import Subscription
from apps.subscriptions.services import ChangeWish, change_plan
from tests.browser.conftest import LOOKS, Look, watched
from tests.browser.test_catalogue import look_at, sign_in
from tests.factories.accounts import OrganizationFactory, actor_of, make_member, make_staff
from tests.factories.meters import make_meter
from tests.factories.plan_changes import APRIL, make_offer, make_paying, set_clock
from tests.factories.pricing import make_plan, make_price, make_promotion
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def member(transactional_db: None) -> Membership:
    """A provider in a sandbox, whose own subscription was changed on the 11th."""
    organization = OrganizationFactory(is_sandbox=True)
    member = make_member("owner", name="Mara Okafor", organization=organization)
    subscription = make_paying("100", consumer=organization, timezone="UTC")
    set_clock(organization, APRIL.replace(day=11, hour=12))
    pro = make_offer(subscription, "50", plan={"max_quantity": 5})
    wish = ChangeWish(plan=pro, quantity=3)
    change_plan(subscription=subscription, wish=wish, actor=actor_of(member))
    return member


def make_plan_of_many_meters() -> Plan:
    """Calls, data in gigabytes and sales, in two currencies, up to five times."""
    first = make_subscription(plan=make_plan(name="First"))
    make_meter(first, "bytes", name="Data", unit="GB")
    make_meter(first, "sales", name="Sales", unit="USD")
    fee, calls = make_price().components
    data = ComponentDraft(
        meter="bytes", name="Data", model=PriceModel.PER_UNIT, unit_price=Decimal("0.05")
    )
    sales = ComponentDraft(
        meter="sales",
        name="Sales",
        model=PriceModel.PERCENTAGE,
        rate_percent=Decimal("1.5"),
        fixed_fee=Decimal("0.1"),
    )
    price = make_price(
        components=(fee, calls, data, sales),
        other_prices=(CurrencyPrice("EUR", (fee, calls, data, sales)),),
    )
    return make_plan(first.api, name="Every meter", price=price, max_quantity=5)


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_estimates_histories_and_promotions(
    *,
    look: Look,
    member: Membership,
    live_server: object,
    open_context: Callable[..., BrowserContext],
    find_violations: Callable[[Page], list[str]],
    artifacts: Path,
    settings: Settings,
) -> None:
    settings.REQUIRE_STAFF_MFA = False
    plan = make_plan_of_many_meters()
    make_promotion(plan.organization)
    provider = make_member("owner", organization=plan.organization)
    mine = Subscription.objects.get(consumer_organization=member.organization)
    theirs = make_member("owner", organization=mine.provider_organization)
    operator = make_staff("operator")
    promotion = make_promotion(None, name="Spring", code="SPRING")
    visits = (
        (provider, "estimate", f"/console/provider/plans/{plan.public_id}/"),
        (theirs, "subscriber-changed", f"/console/provider/subscribers/{mine.public_id}/"),
        (theirs, "subscriber-history", f"/console/provider/subscribers/{mine.public_id}/history/"),
        (member, "history", f"/console/subscriptions/{mine.public_id}/history/"),
        (member, "estimate-subscribe", f"/console/subscribe/{plan.public_id}/"),
        (operator, "backoffice-promotion-new", "/backoffice/pricing/promotion/add/"),
        (operator, "backoffice-promotion", f"/backoffice/pricing/promotion/{promotion.pk}/change/"),
    )
    for who, name, path in visits:
        context = open_context(look)
        sign_in(context, who, str(live_server))
        look_at(watched(context.new_page()), path, name, look, artifacts, find_violations)
        context.close()


def test_bill_and_plots_follow_what_is_typed(
    member: Membership, live_server: object, open_context: Callable[..., BrowserContext]
) -> None:
    plan = make_plan_of_many_meters()
    context = open_context()
    sign_in(context, make_member("owner", organization=plan.organization), str(live_server))
    page = watched(context.new_page())
    page.goto(f"/console/provider/plans/{plan.public_id}/")

    page.get_by_label("Data in a period (GB)").fill("100000")

    expect(page.locator("#bill tfoot")).to_contain_text("$5,")
    expect(page.locator("#bill [data-plot]")).to_have_count(3)
    page.get_by_label("Currency").select_option("EUR")
    expect(page.locator("#bill tfoot")).to_contain_text("€5,")
