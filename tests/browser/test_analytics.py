"""The analytics pages in a browser: three looks, axe, and from a table to single calls by clicks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import BrowserContext, expect

from apps.accounts.models import Membership, User
from apps.apis.enums import VersionStatus
from apps.apis.models import ApiVersion
from apps.core import clock
from apps.usage.services import roll_up
from tests.browser.conftest import LOOKS, Look, visit, watched
from tests.clients import client_for
from tests.factories.accounts import make_member, make_staff
from tests.factories.billing import send_events
from tests.factories.keys import make_key
from tests.factories.usage import make_event

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def member() -> Membership:
    """A consumer that provides the API, too; a fortnight of calls, added up."""
    key = make_key().key
    subscription = key.subscription
    version = ApiVersion.objects.create(
        api=subscription.api, name="v1", status=VersionStatus.PUBLISHED
    )
    for path in ("/v1/cities/{id}/weather", "/v1/cities", "/v1/rivers/{id}"):
        version.endpoints.create(method="GET", path=path)
    now = clock.now()
    send_events(
        [
            make_event(
                subscription,
                occurred_at=now - timedelta(minutes=1 + 67 * number),
                key_id=key.public_id,
                path=(
                    f"/v1/cities/{number}/weather",
                    "/v1/cities",
                    f"/v1/rivers/{number}",
                    "/login",
                )[number % 4],
                status=200 if number % 7 else (301, 404, 429, 503)[number // 7 % 4],
                latency_ms=20.0 + number * 37 % 400,
                request_bytes=200 + number,
                response_bytes=3000 + 17 * number,
            )
            for number in range(300)
        ]
    )
    roll_up()
    return make_member("owner", organization=subscription.consumer_organization)


def sign_in(context: BrowserContext, who: Membership | User, url: str) -> None:
    cookie = client_for(who).cookies[settings.SESSION_COOKIE_NAME]
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": url}])


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_pages_look_well(
    look: Look,
    member: Membership,
    open_context: Callable[..., BrowserContext],
    live_server: Any,
    find_violations: Callable[[Any], list[str]],
    artifacts: Path,
) -> None:
    subscription = member.organization.subscriptions.get()
    provider = make_member("owner", organization=subscription.provider_organization)
    day = clock.now().date().isoformat()
    pages: list[tuple[Membership | User, str, str]] = [
        (member, "usage", "/console/usage/"),
        (member, "usage-hours", "/console/usage/?period=24h&status=4xx"),
        (member, "usage-own-days", f"/console/usage/?period=custom&from={day}&to={day}"),
        (member, "usage-calls", "/console/usage/calls/?endpoint=other&period=7d"),
        (provider, "provider", "/console/provider/usage/?period=30d"),
        (make_staff("operator"), "operator", "/backoffice/usage/usagehour/"),
    ]
    for who, name, path in pages:
        context = open_context(look)
        sign_in(context, who, live_server.url)
        page = watched(context.new_page())
        visit(page, path)
        page.screenshot(path=artifacts / f"analytics-{name}-{look.name}.png", full_page=True)
        assert find_violations(page) == [], name
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name


def test_single_calls_are_two_clicks_away(
    member: Membership, open_context: Callable[..., BrowserContext], live_server: Any
) -> None:
    context = open_context()
    sign_in(context, member, live_server.url)
    page = watched(context.new_page())
    visit(page, "/console/usage/")

    page.get_by_role("link", name="GET /v1/rivers/{id}").first.click()
    expect(page.get_by_role("link", name="Endpoint: GET /v1/rivers/{id}")).to_be_visible()
    page.get_by_role("link", name="Show these calls one by one").click()

    expect(page.get_by_role("link", name="GET /v1/rivers/2", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="GET /v1/cities")).to_have_count(0)
