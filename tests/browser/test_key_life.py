"""A key's life in a browser: its page, reading a new key once, the organization's security."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from apps.accounts.models import Membership
from apps.core import clock
from apps.keys import services
from apps.keys.enums import AlertKind
from apps.keys.models import ApiKey, KeyAlert
from tests.apps.keys.clocks import DAY
from tests.browser.conftest import LOOKS, Look, visit, watched
from tests.browser.test_catalogue import look_at, sign_in
from tests.factories.accounts import make_member
from tests.factories.keys import SYSTEM, make_key
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def member(transactional_db: None) -> Membership:
    """An organization with a key that the job has replaced, one that ends, and one that leaked."""
    member = make_member("owner", name="Mara Okafor")
    subscription = make_subscription(consumer=member.organization)
    old = make_key(subscription, name="Web shop").key
    ApiKey.objects.filter(pk=old.pk).update(rotates_at=clock.now())
    services.rotate_due_keys(actor=SYSTEM)
    make_key(
        subscription, name="Nightly import", expires_at=clock.now() + 200 * DAY, auto_renew=True
    )
    leaked = make_key(subscription, name="Phone app").key
    services.report_leak(
        key=leaked,
        url="https://github.com/example/phone-app/blob/1f0c9d2e5b7a4c3d8e6f0a1b2c3d4e5f6a7b8c9d/src/config.ts#L12",
        source="content",
        actor=SYSTEM,
    )
    KeyAlert.objects.create(
        organization=member.organization, kind=AlertKind.CREATED, count=14, threshold=10
    )
    return member


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_pages_of_a_keys_life(
    look: Look,
    member: Membership,
    live_server: object,
    open_context: Callable[..., BrowserContext],
    find_violations: Callable[[Page], list[str]],
    artifacts: Path,
) -> None:
    unread = ApiKey.objects.get(unread__isnull=False)
    renewed = ApiKey.objects.get(name="Nightly import")
    context = open_context(look)
    sign_in(context, member, str(live_server))
    page = watched(context.new_page())
    for name, path in (
        ("key-unread", f"/console/keys/{unread.public_id}/"),
        ("key-renewed", f"/console/keys/{renewed.public_id}/"),
        ("key-life", f"/console/keys/{renewed.public_id}/life/"),
        ("key-new", f"/console/subscriptions/{renewed.subscription.public_id}/keys/new/"),
        ("security", "/console/organization/security/"),
    ):
        look_at(page, path, name, look, artifacts, find_violations)


def test_new_key_is_read_once_by_clicks(
    member: Membership,
    live_server: object,
    open_context: Callable[..., BrowserContext],
) -> None:
    unread = ApiKey.objects.get(unread__isnull=False)
    context = open_context(LOOKS[0])
    sign_in(context, member, str(live_server))
    page = watched(context.new_page())
    visit(page, f"/console/keys/{unread.public_id}/")

    page.get_by_role("link", name="Read the new key").click()
    page.get_by_role("button", name="Read the new key").click()

    expect(page.locator(".reveal__secret")).to_have_text(re.compile(r"tgk_live_\w{32}_\w{6}"))
    visit(page, f"/console/keys/{unread.public_id}/")
    expect(page.get_by_text("Nobody has read this key yet")).to_have_count(0)
    expect(page.get_by_text("The new key was read")).to_be_visible()
