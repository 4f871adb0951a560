"""A sandbox's clock on its way and arrived, a trial, and a move to another time zone, in three looks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext

from apps.accounts.services import advance_clock
from apps.core.relay import drain_until_empty
from tests.browser.conftest import LOOKS, visit, watched
from tests.browser.test_analytics import sign_in
from tests.factories.accounts import OrganizationFactory, make_member
from tests.factories.pricing import SYSTEM, make_plan
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)


def test_clock_trial_and_zone_look_well(
    open_context: Callable[..., BrowserContext],
    live_server: Any,
    find_violations: Callable[[Any], list[str]],
    artifacts: Path,
) -> None:
    owner = make_member("owner", OrganizationFactory(is_sandbox=True))
    paid = make_subscription(plan=make_plan(trial_days=10), consumer=owner.organization)
    advance_clock(organization=owner.organization, actor=SYSTEM, by=70 * DAY)
    drain_until_empty()
    trial = make_subscription(plan=make_plan(trial_days=10), consumer=owner.organization)
    for look in LOOKS:
        context = open_context(look)
        sign_in(context, owner, live_server.url)
        page = watched(context.new_page())

        def check(name: str, page: Any = page, look: Any = look) -> None:
            page.screenshot(path=artifacts / f"clock-{name}-{look.name}.png", full_page=True)
            assert find_violations(page) == [], name
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name

        visit(page, "/console/organization/")
        assert "What happened on the way" in page.content()
        check("arrived")
        visit(page, f"/console/subscriptions/{trial.public_id}/")
        check("trial")
        visit(page, "/console/organization/")
        page.get_by_label("Time zone").select_option("Asia/Tokyo")
        page.get_by_role("button", name="Save").click()
        page.get_by_role("heading", name="Move to another time zone").wait_for()
        assert paid.api.name in page.content()
        check("zone")

    owner.organization.refresh_from_db()
    advance_clock(organization=owner.organization, actor=SYSTEM, by=20 * DAY)
    context = open_context(LOOKS[0])
    sign_in(context, owner, live_server.url)
    page = watched(context.new_page())
    visit(page, "/console/organization/")
    assert page.locator("#clock-live progress").count() == 1
    page.screenshot(path=artifacts / "clock-advancing-light.png", full_page=True)
    assert find_violations(page) == []

    drain_until_empty()

    page.get_by_role("button", name="Move the clock").wait_for()
