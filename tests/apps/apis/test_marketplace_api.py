"""The public catalogue over REST: what is found, and what never leaks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from apps.accounts.models import Membership
from apps.apis import services
from apps.apis.models import ApiLogo
from apps.core.actors import Actor
from tests.factories.apis import ApiVersionFactory, CategoryFactory, EndpointFactory, make_api

pytestmark = pytest.mark.django_db

URL = "/api/v1/marketplace/apis"


@pytest.fixture
def anybody() -> APIClient:
    return APIClient()


def names(client: APIClient, query: str = "") -> list[str]:
    return [row["name"] for row in client.get(URL + query).json()["data"]]


def test_catalogue_lists_live_public_apis_only(anybody: APIClient) -> None:
    make_api("active", name="Shown")
    make_api("deprecated", name="Old")
    make_api("active", name="Unlisted", visibility="unlisted")
    make_api("active", name="Private", visibility="private")
    for status in ("draft", "pending_approval", "registering", "failed", "suspended"):
        make_api(status)

    assert names(anybody) == ["Old", "Shown"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?q=fore", ["Forecast", "Weather"]),
        ("?q=FORECAST", ["Forecast", "Weather"]),
        ("?q=forecast+hourly", ["Weather"]),
        ("?q=nothing", []),
        ("?q=%26+%7C+%21", ["Rates", "Weather", "Forecast"]),
        ("?q=fore'):*", ["Forecast", "Weather"]),
        ("?category=money", ["Rates"]),
        ("?q=fore&category=money", []),
    ],
)
def test_search_finds_beginnings_of_words_best_first(
    anybody: APIClient, query: str, expected: list[str]
) -> None:
    texts: dict[str, Any] = {"short_description": "Numbers"}
    make_api("active", name="Forecast", **texts)
    make_api("active", name="Weather", description="An hourly forecast", **texts)
    make_api("active", name="Rates", category=CategoryFactory(slug="money"), **texts)

    assert names(anybody, query) == expected


def test_unknown_category_is_not_found(anybody: APIClient) -> None:
    assert anybody.get(f"{URL}?category=none").status_code == 404


@pytest.mark.parametrize("item_count", [1, 3])
def test_catalogue_needs_the_same_queries_for_any_length(
    anybody: APIClient, item_count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(item_count):
        make_api("active")

    with django_assert_num_queries(2):
        anybody.get(f"{URL}?q=weather")


def test_search_results_page_by_cursor(anybody: APIClient) -> None:
    for _ in range(5):
        make_api("active")

    first = anybody.get(f"{URL}?q=weather&limit=3").json()
    second = anybody.get(first["next"]).json()

    assert (len(first["data"]), len(second["data"]), second["next"]) == (3, 2, None)
    assert not {row["id"] for row in first["data"]} & {row["id"] for row in second["data"]}


def test_listing_shows_operations_and_hides_the_upstream(anybody: APIClient) -> None:
    api = make_api("active")
    EndpointFactory(version=ApiVersionFactory(api=api), path="/now")

    answer = anybody.get(f"{URL}/{api.slug}/")

    body = answer.json()
    assert body["version"] == "1.0.0"
    assert [row["path"] for row in body["endpoints"]] == ["/now"]
    assert body["gateway_url"].endswith(f"/{api.slug}")
    assert "upstream" not in answer.content.decode()


@pytest.mark.parametrize(
    ("status", "visibility", "stranger", "owner"),
    [
        ("active", "unlisted", 200, 200),
        ("active", "private", 404, 200),
        ("draft", "public", 404, 200),
        ("suspended", "public", 404, 200),
    ],
)
def test_listing_is_readable_by_whom(
    api_client: Callable[..., APIClient],
    make_member: Callable[..., Membership],
    status: str,
    visibility: str,
    stranger: int,
    owner: int,
) -> None:
    member = make_member("viewer")
    api = make_api(status, member.organization, visibility=visibility)

    assert api_client(make_member("owner")).get(f"{URL}/{api.slug}/").status_code == stranger
    assert api_client(member).get(f"{URL}/{api.slug}/").status_code == owner


def test_categories_count_listed_apis_only(anybody: APIClient) -> None:
    category = CategoryFactory(slug="counted")
    make_api("active", category=category)
    make_api("active", category=category, visibility="private")
    make_api("draft", category=category)

    answer = anybody.get("/api/v1/marketplace/categories").json()

    assert {row["slug"]: row["api_count"] for row in answer["data"]}["counted"] == 1
    assert (answer["next"], answer["previous"]) == (None, None)


def test_logo_and_required_headers_are_shown(anybody: APIClient) -> None:
    api = make_api("active")
    services.add_required_header(
        api=api, name="X-Region", description="eu or us", actor=Actor.system("test")
    )
    bare = anybody.get(f"{URL}/{api.slug}").json()
    logo = ApiLogo.objects.create(api=api, image=b"picture", content_type="image/webp", digest="d1")

    detail = anybody.get(f"{URL}/{api.slug}").json()
    (entry,) = anybody.get(URL).json()["data"]

    assert bare["logo_url"] is None
    assert detail["logo_url"] == entry["logo_url"] == f"/apis/{api.slug}/logo/{logo.digest}"
    (header,) = detail["required_headers"]
    assert (header["name"], header["description"]) == ("X-Region", "eu or us")
