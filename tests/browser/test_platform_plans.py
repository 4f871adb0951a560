"""The plan of an organization, what it refuses, and the back office's pages of usage, in three looks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext
from pytest_django.fixtures import Settings

from apps.accounts.models import Membership, User
from apps.core import clock
from apps.core.money import Money
from apps.usage.drift import lowering
from apps.usage.enums import AnomalyKind, DriftScope, DriftStatus
from apps.usage.models import DriftReport, UsageAnomaly
from apps.usage.services.budgeting import BudgetDraft, create_budget
from tests.browser.conftest import LOOKS, Look, visit, watched
from tests.browser.test_analytics import sign_in
from tests.factories.accounts import actor_of, make_member, make_staff
from tests.factories.billing import make_calls, make_running_subscription

pytestmark = pytest.mark.django_db(transaction=True)
BACK_OFFICE = "/backoffice/usage/"


@pytest.fixture
def owner() -> Membership:
    """Somebody with a subscription, a budget, an incident and a counter that nobody can explain."""
    owner = make_member("owner")
    subscription = make_running_subscription(consumer=owner.organization)
    create_budget(
        organization=owner.organization,
        draft=BudgetDraft(name="Search", amount=Money(2000, "USD")),
        actor=actor_of(owner),
    )
    now = clock.now()
    UsageAnomaly.objects.create(
        organization=owner.organization, api=subscription.api, subscription=subscription,
        kind=AnomalyKind.SPIKE, started_at=now, last_hour=now, observed=500, expected=100, low=50, high=200,
    )  # fmt: skip
    finding = {
        "subscription": subscription.public_id, "period_start": now.isoformat(), "counter": 8, "least": 3,
        "most": 3, "delta": 0, "outcome": lowering.UNEXPLAINED, "raised_at_once": 0,
    }  # fmt: skip
    DriftReport.objects.create(
        scope=DriftScope.ALL, status=DriftStatus.UNEXPLAINED, started_at=now, mark_at=now,
        finished_at=now, unexplained_count=1, compared_count=1, details={"findings": [finding]},
    )  # fmt: skip
    return owner


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_pages_look_well(
    look: Look,
    owner: Membership,
    open_context: Callable[..., BrowserContext],
    live_server: Any,
    find_violations: Callable[[Any], list[str]],
    artifacts: Path,
    settings: Settings,
) -> None:
    settings.PLATFORM_DEFAULT_PLAN = "free"
    subscription = owner.organization.subscriptions.get()
    operator = make_staff("operator")
    report = DriftReport.objects.get()
    pages: list[tuple[Membership | User, str, str]] = [
        (owner, "plan", "/console/plan/?for=members"),
        (owner, "empty-usage", "/console/usage/"),
        (owner, "anomalies", "/console/usage/anomalies/"),
        (operator, "give", f"/backoffice/accounts/organization/{owner.organization_id}/plan/"),
        (operator, "exports", f"{BACK_OFFICE}usageexport/"),
        (operator, "export-new", f"{BACK_OFFICE}usageexport/new/"),
        (operator, "budgets", f"{BACK_OFFICE}budget/"),
        (operator, "anomalies-staff", f"{BACK_OFFICE}usageanomaly/"),
        (operator, "live", f"{BACK_OFFICE}usageevent/"),
        (operator, "drift-report", f"{BACK_OFFICE}driftreport/report/{report.public_id}/"),
        (operator, "drift-lower", f"{BACK_OFFICE}driftreport/lower/{subscription.public_id}/"),
    ]  # fmt: skip
    make_calls(subscription, clock.now() - timedelta(seconds=5), status=503)
    for who, name, path in pages:
        context = open_context(look)
        sign_in(context, who, live_server.url)
        page = watched(context.new_page())
        visit(page, path)
        page.screenshot(path=artifacts / f"platform-{name}-{look.name}.png", full_page=True)
        assert find_violations(page) == [], name
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name


def test_a_refusal_shows_the_plans_and_leads_to_them(
    owner: Membership,
    open_context: Callable[..., BrowserContext],
    live_server: Any,
    find_violations: Callable[[Any], list[str]],
    artifacts: Path,
    settings: Settings,
) -> None:
    settings.PLATFORM_DEFAULT_PLAN = "free"
    settings.PUBLIC_URL = live_server.url
    context = open_context()
    sign_in(context, owner, live_server.url)
    page = watched(context.new_page())
    visit(page, "/console/usage/exports/")
    page.get_by_label("Format").select_option("parquet")
    page.get_by_role("button", name="Write the file").click()
    page.get_by_role("link", name="Compare the plans").first.wait_for()
    assert find_violations(page) == []
    page.screenshot(path=artifacts / "platform-refused.png", full_page=True)

    page.get_by_role("link", name="Compare the plans").first.click()

    assert page.locator("#wanted").inner_text().startswith("Exports as Parquet files")
