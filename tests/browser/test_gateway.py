"""The back office's page of the gateway, healthy and not, in three looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.test import Client
from playwright.sync_api import BrowserContext, Page
from pytest_django import Settings

from apps.core import clock
from apps.gateway.enums import ReportStatus, SyncState
from apps.gateway.models import AuthorizerNode, ReconciliationReport, RegistryEntry
from apps.gateway.services import apply_throttle, lift_throttle
from apps.gateway.valkey import get_client
from tests.browser.conftest import LOOKS, Look, visit
from tests.factories.accounts import OrganizationFactory, make_staff
from tests.factories.keys import SYSTEM, make_key

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def session(settings: Settings) -> Iterator[str]:
    settings.REQUIRE_STAFF_MFA = False
    client = Client()
    client.force_login(make_staff("operator"))
    yield client.cookies[django_settings.SESSION_COOKIE_NAME].value
    get_client().flushdb()


def make_trouble() -> ReconciliationReport:
    """Have a failed entry, an authorizer whose tables differ, and a failed run after a healed one."""
    make_key()
    RegistryEntry.objects.filter(kind="key").update(
        state=SyncState.FAILED, attempts=5, last_error="No proof from every authorizer in time."
    )
    now = clock.now()
    AuthorizerNode.objects.create(
        name="gateway-1",
        epoch="e" * 32,
        version=7,
        lease_expires_at=now,
        seen_at=now,
        details={"digest": "00c0ffee00c0ffee", "entries": {"route": 1, "key": 1}},
    )
    for status, missing in ((ReportStatus.HEALED, 4), (ReportStatus.FAILED, 2)):
        report = ReconciliationReport.objects.create(
            started_at=clock.now(),
            finished_at=clock.now(),
            started_by="gateway.reconcile",
            status=status,
            reason="" if status == ReportStatus.HEALED else "Wrong again: route:weather.",
            checked_count=3,
            missing_count=missing,
            different_nodes_count=1,
            healed_count=missing,
            details={
                "missing": ["route:weather"],
                "nodes": [
                    {
                        "node": "gateway-1",
                        "state": "different",
                        "version": 7,
                        "entries": {"route": 1, "key": 1},
                        "expected": {"route": 2, "key": 1},
                    }
                ],
                "caddy": {
                    "state": "healed",
                    "paths": ["/apps/http/servers/gateway/idle_timeout"],
                    "reason": "",
                },
            },
        )
    return report


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_gateway_pages_have_no_serious_violation(
    *,
    look: Look,
    open_context: Callable[..., BrowserContext],
    find_violations: Callable[[Page], list[str]],
    session: str,
    artifacts: Path,
    live_server: object,
) -> None:
    report = make_trouble()
    context = open_context(look)
    name = django_settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": session, "url": str(live_server)}])
    page = context.new_page()
    start = "/backoffice/gateway/reconciliationreport/"
    for part, path in (("overview", "overview/"), ("report", f"report/{report.public_id}/")):
        visit(page, f"{start}{path}")
        page.screenshot(path=artifacts / f"gateway-{part}-{look.name}.png", full_page=True)
        assert find_violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_throttles_page_has_no_serious_violation(
    *,
    look: Look,
    open_context: Callable[..., BrowserContext],
    find_violations: Callable[[Page], list[str]],
    session: str,
    artifacts: Path,
    live_server: object,
    settings: Settings,
) -> None:
    settings.DEFAULT_TENANT_LIMITS = {"per_second": 1000, "per_minute": None}
    for number in range(2):
        throttle = apply_throttle(
            organization=OrganizationFactory(name=f"Weather Widgets {number}"),
            calls_per_second=20,
            calls_per_minute=None,
            reason="Retries without a pause since 14:02; other tenants wait.",
            ends_at=clock.now() + timedelta(hours=2),
            actor=SYSTEM,
        )
    lift_throttle(throttle=throttle, actor=SYSTEM)
    context = open_context(look)
    name = django_settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": session, "url": str(live_server)}])
    page = context.new_page()

    visit(page, "/backoffice/gateway/tenantthrottle/now/")
    page.screenshot(path=artifacts / f"throttles-{look.name}.png", full_page=True)
    assert find_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
