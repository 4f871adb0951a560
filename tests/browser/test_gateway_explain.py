"""The back office explains a decision: a real authorizer answers, in three looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.test import Client
from playwright.sync_api import BrowserContext, Page
from pytest_django import Settings

from apps.core.models import AuditEvent
from tests.apps.gateway.dataplane.conftest import Registry
from tests.apps.gateway.dataplane.harness import (
    SECRET,
    AuthorizerProcess,
    Consumer,
    ValkeyServer,
    make_consumer,
    make_route,
    running,
)
from tests.browser.conftest import LOOKS, Look, visit
from tests.factories.accounts import make_staff

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def session(settings: Settings) -> str:
    settings.REQUIRE_STAFF_MFA = False
    client = Client()
    client.force_login(make_staff("operator"))
    return client.cookies[django_settings.SESSION_COOKIE_NAME].value


@pytest.fixture
def suspended(tmp_path: Path, settings: Settings) -> Iterator[Consumer]:
    """A key that is suspended, and whose quota is used up too."""
    valkey = ValkeyServer(tmp_path / "valkey")
    with running(valkey):
        registry = Registry(valkey)
        registry.apply(make_route("weather", 8080))
        authorizer = AuthorizerProcess(tmp_path, valkey.url)
        settings.AUTHORIZER_BIND, settings.AUTHORIZER_SECRET = authorizer.dial, SECRET
        consumer = make_consumer(quota=3, key_fields={"state": "suspended"})
        with running(authorizer):
            authorizer.wait_until("serving")
            registry.admit(consumer, used=3)
            yield consumer


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_operator_has_a_decision_explained(
    *,
    look: Look,
    open_context: Callable[..., BrowserContext],
    find_violations: Callable[[Page], list[str]],
    session: str,
    suspended: Consumer,
    artifacts: Path,
    live_server: object,
) -> None:
    context = open_context(look)
    name = django_settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": session, "url": str(live_server)}])
    page = context.new_page()
    visit(page, "/backoffice/gateway/reconciliationreport/overview/")

    page.get_by_role("link", name="Explain a decision").click()
    page.get_by_label("Or the key itself").fill(suspended.key)
    page.get_by_label("Path on the gateway").fill("/weather/today")
    page.get_by_role("button", name="Explain", exact=True).click()
    page.get_by_role("heading", name="This call would get 403 key_suspended").wait_for()

    page.screenshot(path=artifacts / f"gateway-explain-{look.name}.png", full_page=True)
    assert page.get_by_role("cell", name="Failed").count() == 2
    assert suspended.key not in page.content()
    assert find_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert AuditEvent.objects.filter(action="gateway:decision:explained").count() == 1
