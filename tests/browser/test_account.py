"""Signing in with a password, a second step and a passkey, in a real browser under the real policy."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from playwright.sync_api import BrowserContext, Page, expect

from apps.accounts.models import User
from tests.browser.conftest import LOOKS, Look, visit, watched

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "a long enough password"


@pytest.fixture
def member() -> User:
    user = User.objects.create_user(email="acme@example.com", password=PASSWORD)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def sign_in(page: Page, user: User) -> None:
    visit(page, "/accounts/login/?next=/accounts/2fa/")
    page.get_by_label("Email").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def confirm_password(page: Page) -> None:
    """Give the password once more, as changes of the second step demand."""
    expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()


def sign_out(page: Page) -> None:
    visit(page, "/accounts/logout/")
    page.get_by_role("main").get_by_role("button", name="Sign out").click()
    page.wait_for_load_state()


@pytest.mark.parametrize(
    "path", ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/"]
)
@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_entrance_has_no_serious_violation(
    *,
    look: Look,
    path: str,
    open_context: Callable[..., BrowserContext],
    find_violations: Callable[[Page], list[str]],
    artifacts: Path,
) -> None:
    page = watched(open_context(look).new_page())
    visit(page, path)
    page.screenshot(path=artifacts / f"{path.strip('/').replace('/', '-')}-{look.name}.png")
    assert find_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= look.width


def test_wrong_password_takes_the_focus_to_what_is_wrong(page: Page, member: User) -> None:
    visit(page, "/accounts/login/")
    page.get_by_label("Email").fill(member.email)
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert")).to_be_focused()


def test_authenticator_app_is_set_up_and_asked_for(page: Page, member: User) -> None:
    sign_in(page, member)
    page.get_by_role("link", name="Set up").click()
    confirm_password(page)
    expect(page.locator("img.qr")).to_have_js_property("complete", value=True)
    page.get_by_text("The camera does not work?").click()
    secret = page.locator(".steps .code code").inner_text().strip()
    page.get_by_label("Authenticator code").fill(code_of(secret))
    page.get_by_role("button", name="Turn on").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    recovery_code = page.locator(".code code").inner_text().split()[0]

    sign_out(page)
    sign_in(page, member)
    expect(page.get_by_role("heading", name="Second step")).to_be_visible()
    page.get_by_label("Code").fill(recovery_code)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url(re.compile(r"/accounts/2fa/$"))


def code_of(secret: str) -> str:
    counter = next(iter(yield_hotp_counters_from_time()))
    return str(format_hotp_value(hotp_value(secret, counter)))


def test_passkey_is_added_and_signs_in(
    open_context: Callable[..., BrowserContext], member: User
) -> None:
    page = watched(open_context().new_page())
    add_authenticator(page)
    sign_in(page, member)
    page.get_by_role("link", name="Add a key").click()
    confirm_password(page)
    page.get_by_label("Name").fill("Laptop")
    page.get_by_label("Passwordless").check()
    page.get_by_role("button", name="Add key").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    visit(page, "/accounts/2fa/webauthn/")
    expect(page.get_by_role("rowheader", name="Laptop")).to_be_visible()

    sign_out(page)
    visit(page, "/accounts/login/?next=/accounts/2fa/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("heading", name="Two-step sign-in")).to_be_visible()


def test_refused_passkey_is_said(page: Page) -> None:
    visit(page, "/accounts/login/")
    page.evaluate("() => { navigator.credentials.get = () => Promise.reject(new Error('no')); }")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(
        page.get_by_role("status").filter(has_text="The browser did not use a key")
    ).to_be_visible()


def add_authenticator(page: Page) -> None:
    """Give the browser a key that answers by itself."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
