"""The plan builder in a browser: a type of plan fills the rows, the bill and the plot follow what is typed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import LOOKS, Look, watched
from tests.browser.test_catalogue import look_at, sign_in
from tests.factories.accounts import make_member
from tests.factories.apis import make_api

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_bill_and_plot_follow_what_is_typed(
    look: Look,
    open_context: Callable[..., BrowserContext],
    find_violations: Callable[[Page], list[str]],
    artifacts: Path,
    live_server: Any,
) -> None:
    member = make_member("developer")
    make_api(organization=member.organization)
    context = open_context(look)
    sign_in(context, member, live_server.url)
    page = watched(context.new_page())
    path = reverse("portal:provider_plan_create")

    look_at(page, path, "price_builder", look, artifacts, find_violations)
    page.goto(path)  # axe leaves marks on the page that it has looked at
    page.get_by_label("Name", exact=True).fill("Pro")
    page.get_by_label("Begin with a type of plan").select_option("hybrid")
    page.get_by_role("button", name="Use it").click()
    expect(page.get_by_label("Free units")).to_have_value("10000")
    page.get_by_label("Usage in a period").fill("25000")

    expect(page.locator("#preview-result")).to_contain_text("$69.70")
    expect(page.locator("#preview-result figure.plot")).to_have_count(1)
    expect(page.get_by_label("Name", exact=True)).to_have_value("Pro")
    page.get_by_role("button", name="Charge for usage").click()
    expect(page.get_by_label("Kind of price")).to_have_count(3)
    page.get_by_label("Kind of price").last.select_option("package")
    expect(page.get_by_label("Price per package")).to_be_visible()
    page.get_by_role("button", name="Remove price 3").click()
    expect(page.get_by_label("Kind of price")).to_have_count(2)
    page.screenshot(path=artifacts / f"price_builder_bill-{look.name}.png", full_page=True)
    assert not find_violations(page)
