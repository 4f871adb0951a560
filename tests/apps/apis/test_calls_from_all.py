"""A provider bounds what all consumers together send to the upstream."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import IntegrityError
from django.test import Client
from rest_framework.test import APIClient

from apps.apis.models import Api
from apps.apis.services import ListingFields, update_api
from apps.core.exceptions import InvalidInput
from apps.core.models import AuditEvent
from apps.gateway.enums import EntryKind
from apps.gateway.models import RegistryEntry
from tests.factories.accounts import OrganizationFactory, actor_of, make_member
from tests.factories.apis import ApiFactory, make_api

pytestmark = pytest.mark.django_db


def test_change_is_audited_and_reaches_the_gateway() -> None:
    api = make_api("active")
    actor = actor_of(make_member("owner", api.organization))

    update_api(
        api=api, fields=ListingFields(calls_per_minute=600, calls_per_second=20), actor=actor
    )

    event = AuditEvent.objects.get(action="apis:api:updated")
    assert event.after == {"calls_per_minute": 600, "calls_per_second": 20}
    held = RegistryEntry.objects.get(kind=EntryKind.ROUTE, subject_id=api.pk).payload
    assert held is not None
    assert held["limits"] == [
        {"name": "api-second", "max": 20, "window_s": 1},
        {"name": "api-minute", "max": 600, "window_s": 60},
    ]
    update_api(api=api, fields=ListingFields(calls_per_minute=None), actor=actor)
    held = RegistryEntry.objects.get(kind=EntryKind.ROUTE, subject_id=api.pk).payload
    assert held is not None
    assert [limit["name"] for limit in held["limits"]] == ["api-second"]


@pytest.mark.parametrize("wrong", [0, -5, 1_000_000_001])
def test_number_that_bounds_nothing_is_refused_by_field(wrong: int) -> None:
    api = ApiFactory()
    actor = actor_of(make_member("owner", api.organization))

    with pytest.raises(InvalidInput) as refused:
        update_api(api=api, fields=ListingFields(calls_per_second=wrong), actor=actor)

    assert refused.value.field == "calls_per_second"


def test_database_keeps_zero_out() -> None:
    api = ApiFactory()

    with pytest.raises(IntegrityError, match="apis_api_calls_positive"):
        Api.objects.filter(pk=api.pk).update(calls_per_minute=0)


def test_rest_and_form_set_and_clear_both(
    api_client: Callable[..., APIClient], client_for: Callable[..., Client]
) -> None:
    member = make_member("owner", OrganizationFactory())
    api = ApiFactory(organization=member.organization)
    rest, browser = api_client(member), client_for(member)
    url = f"/api/v1/provider/apis/{api.public_id}/"
    page = f"/console/provider/apis/{api.public_id}/upstream/"

    answer = rest.patch(url, {"calls_per_second": 20, "calls_per_minute": 600}, format="json")
    refused = rest.patch(url, {"calls_per_minute": 0}, format="json")
    form = browser.get(page).context["form"]
    shown = browser.get(f"/console/provider/apis/{api.public_id}/").content.decode()
    initial = {name: value for name, value in form.initial.items() if value is not None}
    saved = browser.post(page, {**initial, "calls_per_second": "", "calls_per_minute": "90"})
    wrong = browser.post(page, {**initial, "calls_per_minute": "0"})

    assert (answer.json()["calls_per_second"], answer.json()["calls_per_minute"]) == (20, 600)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == "/calls_per_minute"
    assert (form.initial["calls_per_second"], form.initial["calls_per_minute"]) == (20, 600)
    assert "20 calls per second" in shown
    assert "600 calls per minute" in shown
    assert saved.status_code == 302
    assert wrong.status_code == 200
    api.refresh_from_db()
    assert (api.calls_per_second, api.calls_per_minute) == (None, 90)
