"""Tollgate calls other people's servers only so often: the portal and the REST API count together."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from apps.accounts.models import Membership
from apps.apis.models import Api, HealthCheck
from tests.apps.apis.conftest import Upstream
from tests.factories.apis import ApiFactory

pytestmark = pytest.mark.django_db

Clients = Callable[..., APIClient]
URL = "/api/v1/provider/apis"
A_MINUTE = 10
# The minute may turn once between the calls of a test.
MORE_THAN_TWO_MINUTES = 2 * A_MINUTE + 1


@pytest.fixture
def member(make_member: Callable[..., Membership]) -> Membership:
    return make_member("developer")


@pytest.fixture
def api(member: Membership, upstream: Upstream) -> Api:
    return ApiFactory(organization=member.organization, upstream_url=upstream.url)


@pytest.mark.parametrize("what", ["upstream-check", "openapi"])
def test_many_calls_in_a_minute_are_refused_with_a_time_to_wait(
    what: str, member: Membership, api: Api, upstream: Upstream, api_client: Clients
) -> None:
    client, body = api_client(member), {"url": f"{upstream.url}/openapi.json"}

    answers = [
        client.post(f"{URL}/{api.public_id}/{what}", body if what == "openapi" else {})
        for _number in range(MORE_THAN_TWO_MINUTES)
    ]

    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert 429 not in [answer.status_code for answer in answers[:A_MINUTE]]
    assert refused[0]["Content-Type"] == "application/problem+json"
    assert refused[0].json()["code"] == "throttled"
    assert 1 <= int(refused[0]["Retry-After"]) <= 60
    assert refused[0].json()["retry_after_s"] == int(refused[0]["Retry-After"])
    assert len(upstream.requests) == len(answers) - len(refused)


def test_pages_and_rest_count_together_and_say_when_to_try_again(
    member: Membership, api: Api, api_client: Clients, client_for: Callable[..., Client]
) -> None:
    for _number in range(MORE_THAN_TWO_MINUTES):
        api_client(member).post(f"{URL}/{api.public_id}/upstream-check", {})
    made = HealthCheck.objects.count()

    page = client_for(member).post(
        reverse("portal:provider_api_check", args=[api.public_id]), follow=True
    )

    assert "Too many in a short time. Try again in" in page.text
    assert HealthCheck.objects.count() == made


def test_a_document_is_not_fetched_from_the_page_when_the_turns_are_used_up(
    member: Membership,
    api: Api,
    upstream: Upstream,
    api_client: Clients,
    client_for: Callable[..., Client],
) -> None:
    address = {"url": f"{upstream.url}/openapi.json"}
    for _number in range(MORE_THAN_TWO_MINUTES):
        api_client(member).post(f"{URL}/{api.public_id}/openapi", address)
    asked = len(upstream.requests)

    page = client_for(member).post(
        reverse("portal:provider_api_import", args=[api.public_id]), address
    )

    assert "Too many in a short time. Try again in" in page.text
    assert len(upstream.requests) == asked


def test_other_organizations_have_turns_of_their_own(
    member: Membership, api: Api, make_member: Callable[..., Membership], api_client: Clients
) -> None:
    other = make_member("developer")
    theirs = ApiFactory(organization=other.organization, upstream_url=api.upstream_url)
    for _number in range(MORE_THAN_TWO_MINUTES):
        api_client(member).post(f"{URL}/{api.public_id}/upstream-check", {})

    answer = api_client(other).post(f"{URL}/{theirs.public_id}/upstream-check", {})

    assert answer.status_code == 200
