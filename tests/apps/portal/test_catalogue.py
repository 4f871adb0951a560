"""Home, catalogue and API pages, for anybody."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import Membership
from apps.apis.selectors import load_shelves
from apps.apis.services import import_openapi
from tests.apps.apis.test_openapi import YAML
from tests.factories.apis import PROVIDER, CategoryFactory, make_api

pytestmark = pytest.mark.django_db


def text_of(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_home_without_apis_teaches_the_next_step(client: Client) -> None:
    text = text_of(client, "/")

    assert text.count("<h1") == 1
    assert reverse("portal:provider_api_create") in text


def test_home_shows_newest_and_counts(client: Client) -> None:
    category = CategoryFactory(name="Tides")
    make_api("active", name="Tide tables", category=category)
    make_api("draft", name="Secret plans", category=category)

    text = text_of(client, "/")

    assert "Tide tables" in text
    assert "Secret plans" not in text


@pytest.mark.parametrize("item_count", [1, 3])
@pytest.mark.parametrize(
    ("path", "queries"),
    [("/", 6), ("/apis/", 3), ("/apis/?q=wea", 3), ("/apis/categories/sea/", 4)],
)
def test_public_lists_need_the_same_queries_for_any_length(
    client: Client,
    item_count: int,
    path: str,
    queries: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    category = CategoryFactory(slug="sea")
    for _ in range(item_count):
        make_api("active", category=category)
    load_shelves()  # as the visitor before did

    with django_assert_num_queries(queries):
        text_of(client, path)


def test_catalogue_keeps_its_state_in_the_address(client: Client) -> None:
    make_api("active", name="Tide tables", category=CategoryFactory(slug="sea", name="Sea"))
    make_api("active", name="Exchange rates")

    text = text_of(client, "/apis/?q=tide&category=sea")

    assert "Tide tables" in text
    assert "Exchange rates" not in text
    assert 'value="tide"' in text
    assert '<input type="hidden" name="category" value="sea">' in text


def test_catalogue_answers_the_results_alone_to_htmx(client: Client) -> None:
    make_api("active", name="Tide tables")

    answer = client.get("/apis/", headers={"HX-Request": "true", "HX-Target": "results"})

    assert "<html" not in answer.content.decode()
    assert "Tide tables" in answer.content.decode()


def test_catalogue_without_a_match_offers_a_way_on(client: Client) -> None:
    text = text_of(client, "/apis/?q=nothing")

    assert "No API matches" in text


def test_catalogue_escapes_what_was_searched(client: Client) -> None:
    assert "<script>alert" not in text_of(client, "/apis/?q=<script>alert(1)</script>")


def test_api_page_shows_operations_with_commands_and_hides_the_upstream(client: Client) -> None:
    api = make_api("active", slug="weather", upstream_url="https://hidden.example.com")
    import_openapi(api=api, content=YAML, actor=PROVIDER)

    text = text_of(client, "/apis/weather/")

    assert "/weather/places/PLACE/forecast" in text
    assert "X-Api-Key: $TOLLGATE_KEY" in text
    assert "hidden.example.com" not in text


def test_api_page_sanitises_markdown(client: Client) -> None:
    description = (
        "# Title\n\n<script>alert(1)</script> [x](javascript:alert(1)) <img src=x onerror=alert(1)>"
        "\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n[ok](https://example.com)"
    )
    make_api("active", slug="weather", description=description)

    text = text_of(client, "/apis/weather/")

    assert "alert(1)" not in text.replace("&lt;", "")
    assert "<h3>Title</h3>" in text
    assert "<table>" in text
    assert 'rel="nofollow noopener noreferrer">ok</a>' in text


@pytest.mark.parametrize(
    ("status", "visibility"), [("draft", "public"), ("active", "private"), ("suspended", "public")]
)
def test_api_page_does_not_exist_for_strangers(
    client: Client,
    client_for: Callable[..., Client],
    make_member: Callable[..., Membership],
    status: str,
    visibility: str,
) -> None:
    member = make_member("viewer")
    make_api(status, member.organization, slug="weather", visibility=visibility)

    assert client.get("/apis/weather/").status_code == 404
    assert client_for(make_member("owner")).get("/apis/weather/").status_code == 404
    assert client_for(member).get("/apis/weather/").status_code == 200
