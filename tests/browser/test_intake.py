"""Pages of intake for providers, and of events and dead letters for operators, in three looks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from playwright.sync_api import BrowserContext, Page
from pytest_django import Settings

from apps.core import clock
from apps.core.models import DeadLetter
from apps.usage.ingestion import accept_batch
from apps.usage.models import UsageBatch
from apps.usage.processing import process_next_batch
from tests.browser.conftest import LOOKS, Look, visit
from tests.clients import client_for
from tests.factories.accounts import make_member, make_staff
from tests.factories.direct import make_subscription_row
from tests.factories.usage import PLATFORM, make_event, provider_of

pytestmark = pytest.mark.django_db(transaction=True)

INTAKE = "/console/provider/intake/"


def send(actor: Any, *events: Any) -> str:
    body = json.dumps({"events": events}).encode()
    return accept_batch(body=body, batch_key="", actor=actor).batch_id


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_pages_of_intake_have_no_serious_violation(
    *,
    look: Look,
    open_context: Callable[..., BrowserContext],
    find_violations: Callable[[Page], list[str]],
    artifacts: Path,
    live_server: object,
    settings: Settings,
) -> None:
    settings.REQUIRE_STAFF_MFA = False
    provider, operator = make_member("owner"), make_staff("operator")
    page = _open(open_context(look), provider, live_server)

    def look_at(page: Page, name: str, path: str) -> None:
        visit(page, path)
        page.screenshot(path=artifacts / f"{name}-{look.name}.png", full_page=True)
        assert find_violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    look_at(page, "intake-empty", INTAKE)
    batch_id = _make_trouble(provider)
    look_at(page, "intake", INTAKE)
    look_at(page, "intake-batch", f"{INTAKE}{batch_id}/")
    look_at(page, "intake-rejections", f"{INTAKE}rejections/")

    page = _open(open_context(look), operator, live_server)
    letter = DeadLetter.objects.filter(source="usage.event")[0]
    look_at(page, "events", "/backoffice/usage/usagebatch/overview/")
    look_at(page, "dead-letters", "/backoffice/core/deadletter/")
    look_at(page, "dead-letter", f"/backoffice/core/deadletter/{letter.pk}/change/")


def _open(context: BrowserContext, who: Any, live_server: object) -> Page:
    name = django_settings.SESSION_COOKIE_NAME
    cookie = client_for(who).cookies[name].value
    context.add_cookies([{"name": name, "value": cookie, "url": str(live_server)}])
    return context.new_page()


def _make_trouble(provider: Any) -> str:
    """Have a batch with every outcome, one that failed, and one that waits."""
    subscription = make_subscription_row(provider=provider.organization)
    sender = provider_of(subscription)
    own: dict[str, Any] = {"source": "p"}
    good = make_event(subscription, **own)
    batch_id = send(
        sender,
        good,
        good,
        {**good, "status": 404},
        make_event(subscription, status="ok", **own),
        make_event(subscription, subscription_id="sub_" + "0" * 26, **own),
        make_event(subscription, properties={"note": "\0"}, **own),
        make_event(subscription, **own),
    )
    for _attempt in range(4):
        UsageBatch.objects.update(available_at=clock.now())
        process_next_batch()
    send(PLATFORM, make_event(subscription))
    UsageBatch.objects.filter(status="pending").update(
        status="failed", attempts=8, last_error="OperationalError: disk full"
    )
    send(sender, make_event(subscription, **own))
    return batch_id
