"""Plans, subscriptions and keys in a browser: seen in three looks, scanned by axe, used by clicks."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import transaction
from playwright.sync_api import BrowserContext, Page, expect

from apps.accounts.models import Membership
from apps.apis.models import Api
from apps.keys.models import ApiKey
from apps.pricing.models import Plan
from apps.subscriptions.models import Subscription
from apps.subscriptions.services import suspend_subscription
from tests.browser.conftest import LOOKS, Look, watched
from tests.browser.test_catalogue import look_at, sign_in
from tests.factories.accounts import make_member
from tests.factories.apis import make_api
from tests.factories.keys import SYSTEM, make_key
from tests.factories.pricing import make_plan, make_price
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def member(transactional_db: None) -> Membership:
    """An organization that provides an API with plans, and consumes two."""
    member = make_member("owner", name="Mara Okafor")
    with_plans = _api(member, "City weather")
    make_plan(with_plans, name="Basic", description="For a first try.", trial_days=14)
    make_plan(
        with_plans,
        name="Pro",
        description="For shops.",
        position=1,
        price=make_price(quota_calls=1_000_000, rate_per_second=50, rate_per_minute=2_000),
    )
    waiting = make_plan(with_plans, name="Team", requires_approval=True, position=2)
    make_subscription(plan=waiting)
    make_subscription(plan=Plan.objects.get(name="Basic"))
    first = make_subscription(consumer=member.organization)
    make_key(first, name="Web shop")
    make_key(first, name="Nightly import", is_active=False)
    second = make_subscription(consumer=member.organization)
    suspend_subscription(subscription=second, actor=SYSTEM, reason="Payment is overdue.")
    return member


def _api(member: Membership, name: str) -> Api:
    with transaction.atomic():
        return make_api(organization=member.organization, name=name)


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_access_pages(
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
    plan = Plan.objects.get(name="Pro").public_id
    mine = Subscription.objects.filter(consumer_organization=member.organization)
    subscription = mine.get(status="active").public_id
    key = ApiKey.objects.get(name="Web shop").public_id
    for name, path in (
        ("plans", "/console/provider/plans/"),
        ("plan", f"/console/provider/plans/{plan}/?calls=120000"),
        ("plan-new", "/console/provider/plans/new/"),
        ("plan-price", f"/console/provider/plans/{plan}/price/"),
        ("plan-close", f"/console/provider/plans/{plan}/close/"),
        ("subscribers", "/console/provider/subscribers/"),
        ("api-plans", "/apis/city-weather/"),
        ("subscribe", f"/console/subscribe/{plan}/"),
        ("subscriptions", "/console/subscriptions/"),
        ("subscription", f"/console/subscriptions/{subscription}/"),
        ("subscription-cancel", f"/console/subscriptions/{subscription}/cancel/"),
        ("keys", "/console/keys/"),
        ("key-new", f"/console/subscriptions/{subscription}/keys/new/"),
        ("key", f"/console/keys/{key}/"),
        ("key-rotate", f"/console/keys/{key}/rotate/"),
        ("key-revoke", f"/console/keys/{key}/revoke/"),
    ):
        look_at(page, path, name, look, artifacts, find_violations)


def test_subscribe_and_get_a_key_in_five_clicks(
    member: Membership,
    live_server: object,
    open_context: Callable[..., BrowserContext],
    find_violations: Callable[[Page], list[str]],
    artifacts: Path,
) -> None:
    consumer = make_member("developer")
    context = open_context()
    sign_in(context, consumer, str(live_server))
    page = watched(context.new_page())
    page.goto("/apis/city-weather/")

    page.get_by_role("link", name="Subscribe · Basic").click()
    page.get_by_role("button", name="Subscribe").click()
    page.get_by_role("link", name="Create key").first.click()
    page.get_by_label("Name").fill("Web shop")
    page.get_by_role("button", name="Create key").click()

    secret = page.locator(".reveal__secret").inner_text()
    assert re.fullmatch(r"tgk_live_\w{32}_\w{6}", secret)
    page.screenshot(path=artifacts / "key-reveal-light.png", full_page=True)
    assert find_violations(page) == []
    page.get_by_role("link", name="I have copied it").click()
    expect(page.get_by_role("link", name="Web shop")).to_be_visible()
