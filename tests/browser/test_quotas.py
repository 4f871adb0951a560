"""The limits page and the page of extra calls in a browser: three looks, axe, and numbers that follow by themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import BrowserContext, Page, expect

from apps.accounts.models import Membership, User
from apps.core.money import Money
from apps.gateway.valkey import get_client
from apps.keys.models import ApiKey
from apps.subscriptions.models import Subscription
from apps.subscriptions.services import set_spend_cap, top_up_quota
from tests.browser.conftest import LOOKS, Look, visit, watched
from tests.clients import client_for
from tests.factories.accounts import make_member, make_staff
from tests.factories.keys import SYSTEM, make_key
from tests.factories.pricing import make_plan, make_price
from tests.factories.quotas import bring_to_gateway, use_calls
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def empty_store() -> Iterator[None]:
    get_client().flushdb()
    yield
    get_client().flushdb()


@pytest.fixture
def consumer() -> Membership:
    return make_member("owner")


@pytest.fixture
def subscription(consumer: Membership) -> Subscription:
    plan = make_plan(price=make_price(rate_per_second=20, rate_per_minute=600))
    return make_subscription(plan=plan, consumer=consumer.organization)


def sign_in(context: BrowserContext, who: Membership | User, url: str) -> None:
    cookie = client_for(who).cookies[settings.SESSION_COOKIE_NAME]
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": url}])


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_limits_page_looks_well(
    look: Look,
    consumer: Membership,
    subscription: Subscription,
    open_context: Callable[..., BrowserContext],
    live_server: Any,
    find_violations: Callable[[Page], list[str]],
    artifacts: Path,
) -> None:
    top_up_quota(subscription=subscription, calls=500, reason="Launch day", actor=SYSTEM)
    set_spend_cap(subscription=subscription, amount=Money(2000, "USD"), actor=SYSTEM)
    bring_to_gateway(subscription, used=4321)
    context = open_context(look)
    sign_in(context, consumer, live_server.url)
    page = watched(context.new_page())

    visit(page, reverse("portal:subscription_limits", args=[subscription.public_id]))
    page.screenshot(path=artifacts / f"limits-{look.name}.png", full_page=True)

    assert find_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_numbers_follow_by_themselves(
    consumer: Membership,
    subscription: Subscription,
    open_context: Callable[..., BrowserContext],
    live_server: Any,
    artifacts: Path,
) -> None:
    key: ApiKey = make_key(subscription).key
    bring_to_gateway(subscription, used=9_999)
    context = open_context()
    sign_in(context, consumer, live_server.url)
    page = watched(context.new_page())
    visit(page, reverse("portal:subscription_limits", args=[subscription.public_id]))
    expect(page.locator("#limits-live")).to_contain_text("9,999 of 10,000")

    use_calls(subscription, 10_000)

    expect(page.locator("#limits-live")).to_contain_text("Calls are refused")
    page.screenshot(path=artifacts / "limits-used-up.png", full_page=True)
    visit(page, reverse("portal:key", args=[key.public_id]))
    expect(page.locator("main")).to_contain_text("Quota used up")
    page.screenshot(path=artifacts / "key-stopped.png", full_page=True)
    visit(page, reverse("portal:subscription", args=[subscription.public_id]))
    expect(page.locator("main")).to_contain_text("The quota is used up")
    page.screenshot(path=artifacts / "subscription-stopped.png", full_page=True)


def test_extra_calls_in_the_back_office(
    subscription: Subscription,
    open_context: Callable[..., BrowserContext],
    live_server: Any,
    find_violations: Callable[[Page], list[str]],
    artifacts: Path,
) -> None:
    context = open_context()
    sign_in(context, make_staff("operator"), live_server.url)
    page = watched(context.new_page())
    visit(page, reverse("admin:subscriptions_top_ups", args=[subscription.pk]))
    page.get_by_role("spinbutton", name="Calls").fill("500")
    page.get_by_role("textbox", name="Reason").fill("Launch day")
    page.get_by_role("button", name="Grant").click()
    expect(page.locator("#content")).to_contain_text("Launch day")
    page.screenshot(path=artifacts / "top-ups.png", full_page=True)
    assert find_violations(page) == []
