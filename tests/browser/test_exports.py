"""The page of exports in a browser: three looks, axe, and a table that follows by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import BrowserContext, Page, expect

from apps.accounts.models import Membership
from apps.core import clock
from apps.usage.models import UsageExport
from tests.browser.conftest import LOOKS, Look, visit, watched
from tests.clients import client_for
from tests.factories.accounts import make_member
from tests.factories.billing import make_calls
from tests.factories.direct import make_subscription_row
from tests.factories.exports import ask_export, make_export, write

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def consumer() -> Membership:
    member = make_member("owner")
    make_calls(make_subscription_row(consumer=member.organization), clock.now())
    make_subscription_row(provider=member.organization)
    return member


def sign_in(context: BrowserContext, who: Membership, url: str) -> None:
    cookie = client_for(who).cookies[settings.SESSION_COOKIE_NAME]
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": url}])


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_page_looks_well(
    look: Look,
    consumer: Membership,
    open_context: Callable[..., BrowserContext],
    live_server: Any,
    find_violations: Callable[[Page], list[str]],
    artifacts: Path,
) -> None:
    context = open_context(look)
    sign_in(context, consumer, live_server.url)
    page = watched(context.new_page())
    visit(page, reverse("usage:exports"))
    page.screenshot(path=artifacts / f"exports-empty-{look.name}.png", full_page=True)
    make_export(consumer)
    make_export(consumer, subject="windows", file_format="parquet", period="30d")
    failed = ask_export(consumer)
    UsageExport.objects.filter(pk=failed.pk).update(status="failed", error_code="export_too_large")
    running = ask_export(consumer, file_format="ndjson")
    UsageExport.objects.filter(pk=running.pk).update(status="running")
    assert running.job is not None
    running.job.progress_done, running.job.progress_total = 250_000, 1_000_000
    running.job.save()

    visit(page, reverse("usage:exports"))
    page.screenshot(path=artifacts / f"exports-{look.name}.png", full_page=True)

    assert find_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_table_follows_and_the_file_arrives(
    consumer: Membership, open_context: Callable[..., BrowserContext], live_server: Any
) -> None:
    context = open_context()
    sign_in(context, consumer, live_server.url)
    page = watched(context.new_page())
    visit(page, f"{reverse('usage:calls')}?period=24h")
    page.get_by_role("link", name="Export").click()
    expect(page.get_by_label("Period")).to_have_value("24h")
    export = ask_export(consumer)
    page.reload()
    expect(page.locator("#exports-live")).to_contain_text("Queued")

    write(export)

    expect(page.locator("#exports-live")).to_contain_text("Ready")
    with page.expect_download() as arrived:
        page.get_by_role("link", name="Download").click()
    assert arrived.value.suggested_filename == export.download_name
    assert b"call_id" in Path(arrived.value.path()).read_bytes()
