"""Late events and rewinds, in three looks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.test import Client
from playwright.sync_api import BrowserContext, Page
from pytest_django import Settings

from apps.core import clock
from apps.core.clock import Period
from apps.usage.models import UsageRewind, UsageWindow
from apps.usage.rewind_scopes import RewindScope
from apps.usage.services import carry_out_rewind, close_usage, request_rewind
from tests.browser.conftest import LOOKS, Look, visit
from tests.clients import client_for
from tests.factories.accounts import make_member, make_staff
from tests.factories.billing import make_calls
from tests.factories.direct import make_subscription_row
from tests.factories.keys import SYSTEM

pytestmark = pytest.mark.django_db(transaction=True)

MARCH = Period(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))
AT = datetime(2026, 3, 5, 9, 30, tzinfo=UTC)


@pytest.fixture
def staff_session(settings: Settings) -> str:
    settings.REQUIRE_STAFF_MFA = False
    client = Client()
    client.force_login(make_staff("operator"))
    return client.cookies[django_settings.SESSION_COOKIE_NAME].value


def make_dry_run() -> UsageRewind:
    """Windows that say too much, of an open period."""
    for number in range(3):
        subscription = make_subscription_row(anchor=MARCH.start, started_at=MARCH.start)
        make_calls(subscription, AT.replace(hour=8 + number))
    UsageWindow.objects.update(quantity=12_345)
    asked = request_rewind(
        scope=RewindScope(MARCH),
        is_dry_run=True,
        reason="A processor added twice on 5 March.",
        actor=SYSTEM,
        in_background=False,
    )
    return carry_out_rewind(rewind_id=asked.pk)


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_rewind_pages_have_no_serious_violation(
    *,
    look: Look,
    open_context: Callable[..., BrowserContext],
    find_violations: Callable[[Page], list[str]],
    staff_session: str,
    artifacts: Path,
    live_server: object,
) -> None:
    done = make_dry_run()
    context = open_context(look)
    name = django_settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": staff_session, "url": str(live_server)}])
    page = context.new_page()
    start = "/backoffice/usage/usagerewind/"
    for part, path in (("list", "now/"), ("run", f"run/{done.public_id}/"), ("all", "")):
        visit(page, f"{start}{path}")
        page.screenshot(path=artifacts / f"rewind-{part}-{look.name}.png", full_page=True)
        assert find_violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_late_events_have_no_serious_violation(
    *,
    look: Look,
    open_context: Callable[..., BrowserContext],
    find_violations: Callable[[Page], list[str]],
    artifacts: Path,
    live_server: object,
) -> None:
    consumer = make_member("viewer")
    subscription = make_subscription_row(
        consumer=consumer.organization, anchor=MARCH.start, started_at=MARCH.start
    )
    make_calls(subscription, AT)
    close_usage(subscription=subscription, period=MARCH, complete_after=clock.now())
    make_calls(subscription, AT)
    client = client_for(consumer)
    name = django_settings.SESSION_COOKIE_NAME
    context = open_context(look)
    context.add_cookies(
        [{"name": name, "value": client.cookies[name].value, "url": str(live_server)}]
    )
    page = context.new_page()
    visit(page, "/console/usage/late/")
    page.screenshot(path=artifacts / f"late-events-{look.name}.png", full_page=True)
    assert find_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
