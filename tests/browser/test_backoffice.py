"""The back office in our tokens: light, dark and on a phone, without a serious violation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.test import Client
from playwright.sync_api import BrowserContext, Page
from pytest_django import Settings

from apps.accounts.models import User
from tests.browser.conftest import LOOKS, Look, visit

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = ("/backoffice/", "/backoffice/accounts/user/", "/backoffice/accounts/organization/")


@pytest.fixture
def staff_session(settings: Settings) -> str:
    settings.REQUIRE_STAFF_MFA = False
    client = Client()
    client.force_login(
        User.objects.create_superuser(email="acme@example.com", password="unused-here")
    )
    return client.cookies[django_settings.SESSION_COOKIE_NAME].value


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_back_office_has_no_serious_violation(
    *,
    look: Look,
    open_context: Callable[..., BrowserContext],
    find_violations: Callable[[Page], list[str]],
    staff_session: str,
    artifacts: Path,
    live_server: object,
) -> None:
    context = open_context(look)
    name = django_settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": staff_session, "url": str(live_server)}])
    page = context.new_page()
    for path in PAGES:
        visit(page, path)
        picture = path.strip("/").replace("/", "-")
        page.screenshot(path=artifacts / f"{picture}-{look.name}.png")
        assert find_violations(page) == []


def test_dark_theme_is_chosen_by_the_cookie(
    open_context: Callable[..., BrowserContext], staff_session: str, live_server: object
) -> None:
    context = open_context()
    pairs = {django_settings.SESSION_COOKIE_NAME: staff_session, "theme": "dark"}
    context.add_cookies(
        [{"name": name, "value": value, "url": str(live_server)} for name, value in pairs.items()]
    )
    page = context.new_page()
    visit(page, "/backoffice/")
    scheme = "getComputedStyle(document.documentElement).colorScheme"
    assert page.evaluate(scheme) == "dark"
