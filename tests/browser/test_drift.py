"""The back office's pages of drift, shippers and retiring a node, in three looks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.test import Client
from playwright.sync_api import BrowserContext, Page
from pytest_django import Settings

from apps.core import clock
from apps.core.ids import format_public_id, uuid7
from apps.usage.enums import DriftScope, DriftStatus, ReplayStatus
from apps.usage.models import DriftReport, LogReplay, ShipperState
from tests.browser.conftest import LOOKS, Look, visit
from tests.factories.accounts import make_staff

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def session(settings: Settings) -> str:
    settings.REQUIRE_STAFF_MFA = False
    client = Client()
    client.force_login(make_staff("operator"))
    return client.cookies[django_settings.SESSION_COOKIE_NAME].value


def make_drift() -> DriftReport:
    """Have a node that is silent, one that reports, a replay, and three comparisons."""
    now = clock.now()
    for node, age in (("gateway-1", timedelta(0)), ("gateway-2", timedelta(days=3))):
        ShipperState.objects.create(node=node, oldest_unshipped_at=now - age, reported_at=now - age)
    LogReplay.objects.create(
        node="gateway-1",
        since=now - timedelta(hours=5),
        until=now,
        status=ReplayStatus.DONE,
        call_count=48_210,
        known_count=48_207,
        sent_count=3,
    )
    base = {"scope": DriftScope.RECENT, "started_at": now, "mark_at": now, "finished_at": now}
    DriftReport.objects.create(**base, status=DriftStatus.EQUAL, compared_count=210)
    DriftReport.objects.create(
        **base, status=DriftStatus.CORRECTED, compared_count=198, raised_count=4, repaired_count=3
    )
    row = {
        "subscription": format_public_id("sub", uuid7()),
        "counter": 48_260,
        "least": 48_210,
        "most": 48_214,
        "delta": 0,
        "raised_at_once": 0,
        "outcome": "unexplained",
    }
    window = {
        "subscription": row["subscription"],
        "window_start": now.isoformat(),
        "quantity": 120,
        "event_count": 130,
        "billed_calls": 121,
        "calls": 131,
    }
    return DriftReport.objects.create(
        **base,
        status=DriftStatus.UNEXPLAINED,
        reason="Counters are above what was counted, and it is not proven that no call is missing.",
        compared_count=220,
        lowered_count=1,
        unexplained_count=1,
        wrong_windows_count=1,
        details={
            "findings": [row, {**row, "outcome": "lowered", "delta": -46}],
            "windows": [window],
        },
    )


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_pages_of_drift_and_shippers_have_no_serious_violation(
    *,
    look: Look,
    open_context: Callable[..., BrowserContext],
    find_violations: Callable[[Page], list[str]],
    session: str,
    artifacts: Path,
    live_server: object,
) -> None:
    report = make_drift()
    context = open_context(look)
    name = django_settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": session, "url": str(live_server)}])
    page = context.new_page()
    pages = {
        "drift": "driftreport/now/",
        "report": f"driftreport/report/{report.public_id}/",
        "shippers": "shipperstate/now/",
        "retire": "shipperstate/retire/gateway-2/",
    }
    for part, path in pages.items():
        visit(page, f"/backoffice/usage/{path}")
        page.screenshot(path=artifacts / f"drift-{part}-{look.name}.png", full_page=True)
        assert find_violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
