"""The provider's page of an upstream's health."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.apis.models import Api, HealthCheck, HealthDay, HealthIncident, UpstreamHealth
from apps.core import clock
from tests.factories.accounts import OrganizationFactory, make_member
from tests.factories.apis import make_api

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Api:
    """A live API."""
    return make_api("active")


def client_of(role: str, api: Api) -> Client:
    """Return a browser that is signed in as a member of the API's organization."""
    client = Client()
    client.force_login(make_member(role, api.organization).user)
    return client


def url_of(api: Api) -> str:
    """Return the page's address."""
    return reverse("portal:provider_api_health", args=[api.public_id])


def add_history(api: Api, count: int) -> None:
    """Store days, incidents and probes."""
    now = clock.now()
    for n in range(count):
        HealthDay.objects.create(
            api=api,
            day=(now - timedelta(days=n)).date(),
            check_count=10,
            healthy_count=9,
            latency_p50_ms=20,
            latency_p95_ms=40,
        )
        at = now - timedelta(hours=n + 1)
        HealthIncident.objects.create(api=api, started_at=at, ended_at=now, reason="Timeout.")
        HealthCheck.objects.create(
            api=api,
            url=api.health_url,
            checked_at=at,
            is_healthy=True,
            latency_ms=21,
            status_code=200,
        )


def test_the_page_answers_first_and_shows_history(api: Api) -> None:
    add_history(api, 2)

    page = client_of("developer", api).get(url_of(api)).content.decode()

    assert "The upstream answers as expected." in page
    assert "90" in page
    assert "Timeout." in page


def test_an_open_circuit_is_explained(api: Api) -> None:
    UpstreamHealth.objects.update_or_create(api=api, defaults={"circuit": "open"})

    page = client_of("developer", api).get(url_of(api)).content.decode()

    assert "the gateway answers 503 for it" in page


def test_what_is_checked_can_be_changed(api: Api) -> None:
    values = {"health_path": "/ready", "health_expected_status": 204, "health_interval_s": 30}

    answer = client_of("developer", api).post(url_of(api), values)

    assert answer.status_code == 302
    api.refresh_from_db()
    assert (api.health_path, api.health_expected_status, api.health_interval_s) == (
        "/ready",
        204,
        30,
    )


def test_an_interval_out_of_bounds_is_refused_at_its_field(api: Api) -> None:
    values = {"health_path": "/", "health_expected_status": 200, "health_interval_s": 1}

    answer = client_of("developer", api).post(url_of(api), values)

    assert answer.status_code == 200
    assert "health_interval_s" in answer.context["form"].errors


def test_a_viewer_sees_it_and_cannot_change_it(api: Api) -> None:
    client = client_of("viewer", api)
    values = {"health_path": "/x", "health_expected_status": 200, "health_interval_s": 60}

    client.post(url_of(api), values)

    assert "Check now" not in client.get(url_of(api)).content.decode()
    api.refresh_from_db()
    assert api.health_path == "/"


def test_another_tenants_page_is_not_there(api: Api) -> None:
    stranger = Client()
    stranger.force_login(make_member("owner", OrganizationFactory()).user)

    assert stranger.get(url_of(api)).status_code == 404


def test_the_page_costs_as_many_queries_with_three_days_as_with_one(api: Api) -> None:
    client = client_of("developer", api)
    add_history(api, 1)
    client.get(url_of(api))
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            client.get(url_of(api))
        counts.append(len(queries))
        HealthDay.objects.all().delete()
        HealthIncident.objects.all().delete()
        add_history(api, 3)

    assert counts == [15, 15]
