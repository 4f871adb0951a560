"""Addresses that may be had, and commands that are safe to copy."""

from __future__ import annotations

import json
import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from apps.apis.models import Endpoint
from apps.apis.slugs import FALLBACK, suggest_slug
from apps.apis.snippets import curl_for, example_of
from tests.factories.apis import ApiFactory


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("City Weather", "city-weather"),
        ("  Météo & Co. ", "meteo-co"),
        ("天気", FALLBACK),
        ("Admin", "admin-api"),
        ("X", "x-api"),
        ("3D models", FALLBACK),
        ("a" * 90, "a" * 55),
    ],
)
def test_suggest_slug(name: str, slug: str) -> None:
    assert suggest_slug(name) == slug


@pytest.mark.django_db
def test_suggest_slug_counts_up_beside_taken_ones() -> None:
    ApiFactory(slug="weather")
    ApiFactory(slug="weather-3")

    assert suggest_slug("Weather") == "weather-2"


def operation(**fields: object) -> Endpoint:
    return Endpoint(**{"method": "GET", "path": "/a", "parameters": [], **fields})


def words_of(command: str) -> list[str]:
    """Return what curl would be called with by a real shell."""
    script = f"""curl() {{ printf '%s\\0' "$@"; }}\n{command}"""
    done = subprocess.run(
        ["/bin/sh", "-c", script], capture_output=True, check=True, env={"TOLLGATE_KEY": "key"}
    )
    return done.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]


def test_curl_uses_examples_and_needed_parameters() -> None:
    endpoint = operation(
        method="POST",
        path="/cities/{city}",
        parameters=[
            {"name": "city", "in": "path", "required": True, "example": "São Paulo"},
            {"name": "days", "in": "query", "required": True, "schema": {"default": 3}},
            {"name": "unit", "in": "query", "required": False},
        ],
        request_body={"content": {"application/json": {"example": {"note": "it's"}}}},
    )

    assert words_of(curl_for(endpoint, base_url="https://gw.example/weather")) == [
        "-X", "POST", "https://gw.example/weather/cities/S%C3%A3o%20Paulo?days=3",
        "-H", "X-Api-Key: key", "-H", "Content-Type: application/json",
        "-d", '{"note": "it\'s"}',
    ]  # fmt: skip


# NUL never gets past the loader; half a surrogate pair is no text.
STRANGERS_TEXT = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1
)


@settings(max_examples=60, deadline=None)
@given(STRANGERS_TEXT, STRANGERS_TEXT)
@example("$(touch /tmp/x)`id`\"'\\", "'; echo owned; '")
def test_curl_never_lets_a_document_write_shell(path: str, value: str) -> None:
    endpoint = operation(
        path=f"/{path}/{{x}}",
        parameters=[{"name": "x", "in": "path", "required": True, "example": value}],
        request_body={"content": {"application/json": {"example": path}}},
        method="PUT",
    )

    words = words_of(curl_for(endpoint, base_url="https://gw.example/a"))

    address = words.pop(2)
    assert address.startswith("https://gw.example/a/")
    assert words == [
        "-X", "PUT", "-H", "X-Api-Key: key", "-H", "Content-Type: application/json",
        "-d", json.dumps(path, ensure_ascii=False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer"}, 1),
        ({"type": "string", "enum": ["a", "b"]}, "a"),
        ({"properties": {"x": {"type": "boolean"}, "y": {"example": 7}}}, {"x": True, "y": 7}),
        ({"type": ["string", "null"]}, "string"),
        ({}, {}),
    ],
)
def test_example_of(schema: dict[str, object], value: object) -> None:
    assert example_of(schema) == value
