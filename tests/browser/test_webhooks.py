"""Webhooks in a browser: seen in three looks, scanned by axe, a secret made and its page left by clicks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from apps.accounts.models import Membership
from apps.core import clock
from apps.notifications.models import WebhookAttempt, WebhookDelivery
from tests.browser.conftest import LOOKS, Look, visit, watched
from tests.browser.test_catalogue import sign_in
from tests.factories.accounts import make_member
from tests.factories.notifications import WebhookEndpointFactory, make_delivery

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/console/organization/webhooks/"
LONG = "https://hooks.example.com/" + "0123456789" * 12


@pytest.fixture
def admin(transactional_db: None) -> Membership:
    return make_member("admin")


@pytest.fixture
def delivery(admin: Membership) -> WebhookDelivery:
    """A delivery that failed once, of an endpoint that fails and is in a rotation's grace."""
    endpoint = WebhookEndpointFactory(
        organization=admin.organization,
        url=LONG,
        event_types=["api.activated", "invoice.paid"],
        failing_since=clock.now() - timedelta(hours=3),
        previous_secret_expires_at=clock.now() + timedelta(hours=20),
    )
    WebhookEndpointFactory(
        organization=admin.organization, status="disabled", disabled_because="failing"
    )
    row = make_delivery(endpoint, status="failed", attempts_made=1, response_status=500)
    WebhookAttempt.objects.create(
        delivery=row,
        number=1,
        started_at=clock.now(),
        finished_at=clock.now(),
        duration_ms=231,
        response_status=500,
        response_excerpt='{"error": "no such table: orders"}',
        request_headers={"webhook-id": row.event.public_id},
    )
    return row


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_pages_have_no_serious_violation(
    *,
    look: Look,
    admin: Membership,
    delivery: WebhookDelivery,
    open_context: Callable[..., BrowserContext],
    find_violations: Callable[[Page], list[str]],
    artifacts: Path,
    live_server: Any,
) -> None:
    page = watched(open_context(look).new_page())
    sign_in(page.context, admin, live_server.url)
    paths = {
        "webhooks": LIST,
        "webhook-new": f"{LIST}new/",
        "webhook-events": f"{LIST}events/",
        "webhook": f"{LIST}{delivery.endpoint.public_id}/",
        "webhook-delivery": f"{LIST}deliveries/{delivery.public_id}/",
        "mail-preferences": "/console/notifications/preferences/",
    }
    for name, path in paths.items():
        visit(page, path)
        page.screenshot(path=artifacts / f"{name}-{look.name}.png", full_page=True)
        assert find_violations(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= look.width, path


def test_endpoint_is_made_and_its_secret_is_gone_afterwards(
    page: Page, admin: Membership, live_server: Any
) -> None:
    sign_in(page.context, admin, live_server.url)
    visit(page, LIST)
    page.get_by_role("link", name="New endpoint").first.click()
    page.get_by_label("Address").fill("https://hooks.example.com/in")
    page.get_by_label("api.activated").check()
    page.get_by_role("button", name="Create endpoint").click()
    secret = page.locator(".reveal__secret").inner_text()
    assert secret.startswith("whsec_")
    page.get_by_role("link", name="I have copied it").click()
    expect(page.get_by_text("https://hooks.example.com/in").first).to_be_visible()
    assert secret not in page.content()
