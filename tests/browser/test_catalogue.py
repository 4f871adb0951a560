"""The public pages, the provider's and the approver's in a browser: seen in three looks, scanned by axe."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import BrowserContext, Page, expect

from apps.accounts.models import Membership, User
from apps.apis.models import Api, Category
from apps.apis.services import import_openapi, set_listing_facts, set_upstream_secret, suspend_api
from apps.approvals.models import ApprovalRequest
from apps.notifications.services import Message, notify
from tests.apps.apis.test_openapi import YAML
from tests.browser.conftest import LOOKS, Look, visit, watched
from tests.clients import client_for
from tests.factories.accounts import make_member, make_staff
from tests.factories.apis import PROVIDER, CategoryFactory, healthy_check, make_api
from tests.factories.approvals import make_request

pytestmark = pytest.mark.django_db(transaction=True)

FACTS: dict[str, Any] = {
    "rating_average": Decimal("4.6"),
    "rating_count": 12,
    "latency_p50_ms": 84,
    "uptime_30d": Decimal("99.93"),
    "has_free_tier": True,
    "price_models": ["flat", "graduated"],
    "calls_7d": 1200,
    "trend": Decimal("1.5"),
    "subscriber_count": 3,
}
DESCRIPTION = """Forecasts for **every place** on earth, hourly, ten days ahead.

## What you get

| Field | Meaning |
|---|---|
| `temperature` | degrees Celsius, two metres above ground |
| `rain` | millimetres in the hour |

Write to us before you rely on anything older than a day.
"""


@pytest.fixture
def market() -> Membership:
    """A provider with APIs in several states, and its request for approval."""
    member = make_member("owner", name="Rosa Lindqvist")
    weather = Category.objects.filter(slug="weather").first() or CategoryFactory(
        slug="weather", name="Weather"
    )
    finance = Category.objects.filter(slug="finance").first() or CategoryFactory(
        slug="finance", name="Finance"
    )
    api = make_api(
        "active",
        member.organization,
        name="City Weather",
        slug="city-weather",
        category=weather,
        short_description="Hourly forecasts for every place, ten days ahead.",
        description=DESCRIPTION,
        tags=["forecast", "climate"],
        support_email="help@weather.example.com",
    )
    import_openapi(api=api, content=YAML, actor=PROVIDER)
    for name in ("Exchange rates", "Bank holidays", "Postal codes"):
        make_api("active", member.organization, name=name, category=finance)
    suspended = make_api("active", member.organization, name="Tide tables", category=weather)
    suspend_api(api=suspended, actor=PROVIDER, reason="Moving the servers until Sunday.")
    draft = make_api(
        "draft", member.organization, name="Air quality", slug="air-quality", category=weather
    )
    set_upstream_secret(api=draft, header_name="X-Upstream-Token", value="x", actor=PROVIDER)
    make_api("failed", member.organization, name="Pollen", category=weather)
    request = make_request(member)
    submitted = Api.objects.get(pk=request.subject_id)
    healthy_check(submitted)
    for number in range(3):
        message = Message(
            kind="apis.active",
            dedupe_key=str(number),
            url="/console/",
            context={"name": f"API {number}", "address": "https://x"},
        )
        notify(users=[member.user], organization=member.organization, message=message)
    return member


def sign_in(context: BrowserContext, who: Membership | User, live_server_url: str) -> None:
    client: Client = client_for(who)
    context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server_url}]
    )


def look_at(
    page: Page,
    path: str,
    name: str,
    look: Look,
    artifacts: Path,
    violations_of: Callable[[Page], list[str]],
) -> None:
    visit(page, path)
    page.screenshot(path=artifacts / f"{name}-{look.name}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= look.width, (
        f"{name} is too wide"
    )
    assert violations_of(page) == []


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_public_pages(
    look: Look,
    market: Membership,
    open_context: Callable[..., BrowserContext],
    find_violations: Callable[[Page], list[str]],
    artifacts: Path,
) -> None:
    page = watched(open_context(look).new_page())
    set_listing_facts(
        api_id=Api.objects.get(slug="city-weather").pk,
        **FACTS,
    )
    for name, path in (
        ("home", "/"),
        ("catalogue", "/apis/"),
        ("catalogue-filtered", "/apis/?category=weather&free=true&sort=rating"),
        ("catalogue-corrected", "/apis/?q=wether"),
        ("catalogue-none", "/apis/?q=nothing"),
        ("category", "/apis/categories/weather/"),
        ("reference", "/apis/city-weather/reference/"),
        ("api", "/apis/city-weather/"),
    ):
        look_at(page, path, name, look, artifacts, find_violations)
    page.locator(".endpoint__head").first.click()
    expect(page.locator(".endpoint__body").first).to_be_visible()
    page.screenshot(path=artifacts / f"api-endpoint-{look.name}.png", full_page=True)
    assert find_violations(page) == []


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_provider_pages(
    look: Look,
    market: Membership,
    live_server: object,
    open_context: Callable[..., BrowserContext],
    find_violations: Callable[[Page], list[str]],
    artifacts: Path,
) -> None:
    context = open_context(look)
    sign_in(context, market, str(live_server))
    page = watched(context.new_page())
    draft, active, pending = (
        Api.objects.get(slug="air-quality").public_id,
        Api.objects.get(slug="city-weather").public_id,
        Api.objects.get(status="pending_approval").public_id,
    )
    base = "/console/provider/apis/"
    for name, path in (
        ("console", "/console/"),
        ("provider-apis", base),
        ("provider-new", f"{base}new/"),
        ("provider-draft", f"{base}{draft}/"),
        ("provider-active", f"{base}{active}/"),
        ("provider-pending", f"{base}{pending}/"),
        ("provider-listing", f"{base}{draft}/listing/"),
        ("provider-upstream", f"{base}{draft}/upstream/"),
        ("provider-suspend", f"{base}{active}/suspend/"),
        ("inbox", "/console/notifications/"),
    ):
        look_at(page, path, name, look, artifacts, find_violations)


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_review_pages(
    look: Look,
    market: Membership,
    live_server: object,
    open_context: Callable[..., BrowserContext],
    artifacts: Path,
) -> None:
    context = open_context(look)
    sign_in(context, make_staff("approver"), str(live_server))
    page = watched(context.new_page())
    visit(page, "/backoffice/approvals/approvalrequest/")
    page.screenshot(path=artifacts / f"queue-{look.name}.png", full_page=True)
    visit(page, f"/backoffice/approvals/approvalrequest/{ApprovalRequest.objects.get().pk}/change/")
    page.screenshot(path=artifacts / f"review-{look.name}.png", full_page=True)


def test_search_as_one_types_keeps_the_address(page: Page, market: Membership) -> None:
    visit(page, "/apis/")
    page.locator("#words").press_sequentially("exch")
    expect(page.locator("#results .card")).to_have_count(1)
    page.wait_for_url("**q=exch**")


def test_language_of_an_example_is_chosen_without_scripts(
    open_context: Callable[..., BrowserContext], market: Membership
) -> None:
    page = open_context(java_script_enabled=False).new_page()
    visit(page, "/apis/city-weather/reference/")
    first = page.locator(".snippets").first

    expect(first.locator("pre").first).to_contain_text("curl ")
    first.get_by_text("Python", exact=True).first.click()

    expect(first.locator("pre").first).to_be_hidden()
    expect(first.locator("pre").nth(1)).to_contain_text("import urllib.request")
