"""Requests between two organizations, and a person's own: in three looks, with axe."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

from apps.accounts.models import Membership
from apps.subscriptions import services
from apps.subscriptions.models import Subscription
from tests.browser.conftest import LOOKS, Look, watched
from tests.browser.test_catalogue import look_at, sign_in
from tests.factories.accounts import make_member
from tests.factories.apis import make_api
from tests.factories.keys import SYSTEM
from tests.factories.pricing import make_plan
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def member(transactional_db: None) -> Membership:
    """Somebody whose API two wait for, and who waits for two others; the second of each was asked something."""
    member = make_member("owner", name="Mara Okafor")
    own = make_plan(make_api(organization=member.organization), requires_approval=True)
    for waiting in (
        make_subscription(plan=own),
        make_subscription(consumer=member.organization, plan=make_plan(requires_approval=True)),
    ):
        assert waiting.status == "pending_approval"
    for asked in (
        make_subscription(plan=own),
        make_subscription(consumer=member.organization, plan=make_plan(requires_approval=True)),
    ):
        services.ask_subscriber(
            subscription=asked, actor=SYSTEM, question="What will you use it for, and how often?"
        )
    return member


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_requests(
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
    rows = Subscription.objects.order_by("id")
    waiting, asked = rows.filter(provider_organization=member.organization)
    question = rows.filter(consumer_organization=member.organization)[1]
    for name, path in (
        ("subscribers-waiting", "/console/provider/subscribers/"),
        ("subscriber-waiting", f"/console/provider/subscribers/{waiting.public_id}/"),
        ("subscriber-asked", f"/console/provider/subscribers/{asked.public_id}/"),
        ("subscription-question", f"/console/subscriptions/{question.public_id}/"),
        ("subscription-withdraw", f"/console/subscriptions/{question.public_id}/cancel/"),
        ("account", "/console/account/"),
        ("account-deletion-blocked", "/console/account/delete/"),
    ):
        look_at(page, path, name, look, artifacts, find_violations)

    leaver = make_member("developer", member.organization)
    context = open_context(look)
    sign_in(context, leaver, str(live_server))
    page = watched(context.new_page())
    look_at(page, "/console/account/delete/", "account-deletion", look, artifacts, find_violations)
    page.get_by_label("Why do you leave?").fill("I have changed jobs.")
    page.get_by_role("button", name="Ask for deletion").click()
    look_at(page, "/console/account/delete/", "account-asked", look, artifacts, find_violations)
