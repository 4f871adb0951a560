"""An upstream that does not answer is saved, and warned of at once: over REST and on the page."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Membership
from apps.apis.models import Api, ApiUpdate
from tests.apps.apis.conftest import Upstream
from tests.clients import api_client
from tests.factories.accounts import make_member
from tests.factories.apis import ApiFactory, CategoryFactory, make_api

pytestmark = pytest.mark.django_db

URL = "/api/v1/provider/apis"


@pytest.fixture
def member() -> Membership:
    return make_member("developer")


def create(member: Membership, upstream_url: str, **headers: str) -> Any:
    category = (
        CategoryFactory(slug="one") if not Api.objects.exists() else Api.objects.get().category
    )
    body = {"name": "City Weather", "category": category.slug, "upstream_url": upstream_url}
    return api_client(member).post(URL, body, headers=headers)


def codes(answer: Any) -> list[tuple[str, str]]:
    return [(warning["field"], warning["code"]) for warning in answer.json()["warnings"]]


UNREACHABLE = [("upstream_url", "upstream_unreachable")]


def test_a_new_api_whose_upstream_answers_has_no_warnings(
    member: Membership, upstream: Upstream
) -> None:
    answer = create(member, upstream.url)

    assert (answer.status_code, answer.json()["warnings"]) == (201, [])


def test_a_new_api_whose_upstream_answers_otherwise_is_made_and_warned_of(
    member: Membership, upstream: Upstream
) -> None:
    upstream.answers["/"] = (503, b"down")

    answer = create(member, upstream.url)

    assert (answer.status_code, codes(answer)) == (201, UNREACHABLE)
    assert answer.json()["warnings"][0]["detail"] == "It answered 503 instead of 200."
    assert Api.objects.get().status == "draft"


def test_a_replay_warns_alike_and_calls_nobody(member: Membership, upstream: Upstream) -> None:
    upstream.answers["/"] = (503, b"down")

    first, second = (create(member, upstream.url, **{"Idempotency-Key": "one"}) for _ in range(2))

    assert first.json() == second.json()
    assert len(upstream.requests) == 1


def test_a_change_of_the_upstream_warns_and_one_of_the_texts_does_not_call_it(
    member: Membership, upstream: Upstream
) -> None:
    api = ApiFactory(organization=member.organization, upstream_url=upstream.url)
    client = api_client(member)

    texts = client.patch(f"{URL}/{api.public_id}", {"name": "Other"})
    assert (texts.json()["warnings"], upstream.requests) == ([], [])
    health = client.patch(f"{URL}/{api.public_id}", {"health_path": "/nowhere"})

    assert (health.status_code, codes(health)) == (200, UNREACHABLE)
    api.refresh_from_db()
    assert api.health_path == "/nowhere"


def test_the_upstream_that_waits_is_the_one_that_is_called(
    member: Membership, upstream: Upstream
) -> None:
    api = make_api("active", organization=member.organization)
    upstream.answers["/next/"] = (500, b"not yet")

    answer = api_client(member).patch(
        f"{URL}/{api.public_id}", {"upstream_url": f"{upstream.url}/next"}
    )

    assert (answer.status_code, codes(answer)) == (200, UNREACHABLE)
    assert answer.json()["pending_update"]["status"] == ApiUpdate.objects.get().status == "pending"
    assert [path for path, _headers in upstream.requests] == ["/next/"]
    assert api.health_checks.count() == 1


def test_the_page_warns_of_the_upstream_that_waits(
    member: Membership, upstream: Upstream, client: Client
) -> None:
    api = make_api("active", organization=member.organization)
    upstream.answers["/next/"] = (500, b"not yet")
    client.force_login(member.user)

    answer = client.post(
        reverse("portal:provider_api_upstream", args=[api.public_id]),
        {
            "upstream_url": f"{upstream.url}/next",
            "allowed_methods": api.allowed_methods,
            "health_path": "/",
            "health_expected_status": 200,
            "health_interval_s": 60,
            "timeout_class": api.timeout_class,
        },
        follow=True,
    )

    assert "It answered 500 instead of 200." in answer.content.decode()
