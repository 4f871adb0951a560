"""The pages of an API's meters and the prices of meters in a browser: three looks, no serious violation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import BrowserContext, Page

from apps.usage.models import MeterError
from tests.apps.usage.test_meters import call, send
from tests.browser.conftest import LOOKS, Look, watched
from tests.browser.test_catalogue import look_at, sign_in
from tests.factories.accounts import make_member
from tests.factories.direct import make_subscription_row
from tests.factories.meters import LONG_AGO, make_meter

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_meters_are_listed_tried_made_and_priced(
    look: Look,
    open_context: Callable[..., BrowserContext],
    find_violations: Callable[[Page], list[str]],
    artifacts: Path,
    live_server: Any,
) -> None:
    subscription = make_subscription_row()
    api = subscription.api
    tokens = make_meter(
        subscription, source="header", group_by=[{"property": "model", "values": ["small", "large"]}],
        filters=[{"property": "tokens", "operator": "exists"}],
    )  # fmt: skip
    make_meter(subscription, "seats", aggregation="time_weighted", archived_at=LONG_AGO)
    MeterError.objects.create(
        meter=tokens, code="not_a_number", count=12, last_event_id=tokens.pk, last_at=LONG_AGO,
        sample="many",
    )  # fmt: skip
    send(*(call(subscription, minute=n, properties={"tokens": str(100 * n)}) for n in range(5)))
    context = open_context(look)
    sign_in(context, make_member("developer", api.organization), live_server.url)
    page = watched(context.new_page())

    meters = reverse("portal:provider_api_meters", args=[api.public_id])
    look_at(page, meters, "provider_api_meters", look, artifacts, find_violations)
    assert page.locator("tbody th").first.inner_text().startswith("Tokens")
    new = reverse("portal:provider_api_meter_create", args=[api.public_id])
    look_at(page, new, "provider_api_meter_create", look, artifacts, find_violations)
    page.get_by_label("Name", exact=True).fill("Rows")
    page.get_by_label("Key", exact=True).fill("rows")
    page.get_by_label("What is counted").select_option("header")
    page.get_by_label("Name of the value").fill("tokens")
    page.get_by_role("button", name="Try it on the last 100 calls").click()
    page.get_by_role("heading", name="What it would give").wait_for()
    assert "1000" in page.locator("#sample").inner_text().replace(",", "")
    page.screenshot(path=artifacts / f"meter_tried-{look.name}.png", full_page=True)
    assert not find_violations(page)
    page.get_by_role("button", name="Save").click()
    page.get_by_text("The meter counts from now on.").wait_for()
    price = reverse("portal:provider_plan_create")
    look_at(page, price, "plan_with_meters", look, artifacts, find_violations)
    page.get_by_role("heading", name="What it costs").wait_for()
