"""The page of an upstream's health in a browser: three looks, no serious violation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import BrowserContext, Page

from apps.apis.models import HealthCheck, HealthDay, HealthIncident, UpstreamHealth
from apps.core import clock
from tests.browser.conftest import LOOKS, Look, watched
from tests.browser.test_catalogue import look_at, sign_in
from tests.factories.accounts import make_member
from tests.factories.apis import make_api

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_a_month_with_an_outage(
    look: Look,
    open_context: Callable[..., BrowserContext],
    find_violations: Callable[[Page], list[str]],
    artifacts: Path,
    live_server: Any,
) -> None:
    api = make_api("active", name="City weather")
    member = make_member("developer", api.organization)
    now = clock.now()
    UpstreamHealth.objects.update_or_create(api=api, defaults={"circuit": "half_open"})
    HealthIncident.objects.create(
        api=api, started_at=now - timedelta(minutes=9), reason="No answer within 5 seconds."
    )
    for age in range(27):
        HealthDay.objects.create(
            api=api,
            day=(now - timedelta(days=age)).date(),
            check_count=1440,
            healthy_count=(1440, 1440, 1433, 1440, 1200)[age % 5],
            latency_p50_ms=40 + age % 7,
            latency_p95_ms=90 + 5 * (age % 11),
        )
    for age in range(30):
        HealthCheck.objects.create(
            api=api,
            url=api.health_url,
            checked_at=now - timedelta(minutes=age),
            is_healthy=age % 4 > 0,
            status_code=200 if age % 4 else None,
            latency_ms=43 if age % 4 else None,
            error="" if age % 4 else "No answer within 5 seconds.",
        )
    context = open_context(look)
    sign_in(context, member, live_server.url)
    path = reverse("portal:provider_api_health", args=[api.public_id])
    page = watched(context.new_page())
    look_at(page, path, "health", look, artifacts, find_violations)
