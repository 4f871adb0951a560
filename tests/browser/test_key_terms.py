"""What a key may do, in a browser: its page, the editor, creating one; seen in three looks and scanned by axe."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from apps.accounts.models import Membership
from apps.core import clock
from apps.keys import services
from apps.keys.models import ApiKey
from apps.usage.ingestion import accept_batch
from apps.usage.processing import process_next_batch
from tests.browser.conftest import LOOKS, Look, watched
from tests.browser.test_catalogue import look_at, sign_in
from tests.factories.accounts import make_member
from tests.factories.apis import ApiVersionFactory, EndpointFactory
from tests.factories.keys import SYSTEM, make_key
from tests.factories.pricing import make_plan, make_price
from tests.factories.subscriptions import make_subscription
from tests.factories.usage import PLATFORM, make_event

pytestmark = pytest.mark.django_db(transaction=True)

DESCRIBED = (
    ("GET", "/forecast/{city}", "Forecast"),
    ("GET", "/forecast/{city}/hours", "Forecast"),
    ("POST", "/alerts", "Alerts"),
    ("DELETE", "/alerts/{alert}", "Alerts"),
)


@pytest.fixture
def member(transactional_db: None) -> Membership:
    """An organization with a narrow key in use, one that is being replaced, and one that failed to sync."""
    member = make_member("owner", name="Mara Okafor")
    plan = make_plan(price=make_price(rate_per_second=20, rate_per_minute=600))
    version = ApiVersionFactory(api=plan.api)
    for method, path, tag in DESCRIBED:
        EndpointFactory(version=version, method=method, path=path, tag=tag)
    subscription = make_subscription(plan=plan, consumer=member.organization)
    narrow = make_key(
        subscription,
        name="Web shop",
        scopes=("read",),
        tags=("Forecast",),
        endpoints=("POST /alerts",),
        ip_allow=("192.0.2.0/24", "2001:db8::/32"),
        rate_per_second=2,
        rate_per_day=5_000,
    ).key
    now = clock.now()
    events = [
        make_event(
            subscription,
            occurred_at=now - timedelta(days=day, minutes=call),
            key_id=narrow.public_id,
        )
        for day in range(12)
        for call in range(day * 7 % 11 + 1)
    ]
    report = {
        "node": "gateway-1",
        "oldest_unshipped_at": now.isoformat(),
        "key_addresses": {narrow.public_id: "192.0.2.17"},
    }
    body = json.dumps({"events": events, "shipper": report}).encode()
    accept_batch(body=body, batch_key="", actor=PLATFORM)
    assert process_next_batch()
    replaced = make_key(subscription, name="Nightly import").key
    services.rotate_key(key=replaced, grace=timedelta(days=7), actor=SYSTEM)
    failed = make_key(subscription, name="Phone app", is_active=False).key
    reason = "No proof from every authorizer in time."
    services.mark_key_sync_failed(key_id=failed.pk, reason=reason, actor=SYSTEM)
    return member


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_pages_of_a_keys_terms(
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
    narrow = ApiKey.objects.get(name="Web shop")
    replaced = ApiKey.objects.get(status="rotating")
    failed = ApiKey.objects.get(status="failed_sync")
    for name, path in (
        ("keys-all", "/console/keys/"),
        ("key-narrow", f"/console/keys/{narrow.public_id}/"),
        ("key-terms", f"/console/keys/{narrow.public_id}/terms/"),
        ("key-replaced", f"/console/keys/{replaced.public_id}/"),
        ("key-failed", f"/console/keys/{failed.public_id}/"),
        ("key-new-narrow", f"/console/subscriptions/{narrow.subscription.public_id}/keys/new/"),
    ):
        look_at(page, path, name, look, artifacts, find_violations)


def test_change_what_a_key_may_do(
    member: Membership,
    live_server: object,
    open_context: Callable[..., BrowserContext],
    find_violations: Callable[[Page], list[str]],
    artifacts: Path,
) -> None:
    context = open_context()
    sign_in(context, member, str(live_server))
    page = watched(context.new_page())
    key = ApiKey.objects.get(name="Web shop")
    page.goto(f"/console/keys/{key.public_id}/")

    page.get_by_role("link", name="Change scopes and limits").click()
    page.get_by_label("Calls per second").fill("21")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The plan allows 20.").first).to_be_visible()
    page.get_by_label("Calls per second").fill("5")
    page.get_by_label("Write (POST, PUT, PATCH, DELETE)").check()
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_text("5 a second")).to_be_visible()
    expect(page.get_by_text("Scopes, limits or expiry changed")).to_be_visible()
