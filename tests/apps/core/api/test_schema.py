"""The OpenAPI document is complete, valid, and made without a warning."""

from __future__ import annotations

import re
from typing import Any

import pytest
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from tests.endpoints import api_routes

NOT_DOCUMENTED = {"/api/v1/schema/", "/api/v1/docs/", "/api/billing/webhook"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    GENERATOR_STATS.reset()
    schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return schema


def test_schema_is_valid_and_made_without_a_warning(document: dict[str, Any]) -> None:
    validate_schema(document)

    assert [str(key) for key in GENERATOR_STATS._warn_cache] == []
    assert [str(key) for key in GENERATOR_STATS._error_cache] == []


def test_schema_lists_every_endpoint(document: dict[str, Any]) -> None:
    documented = {
        (path, method.upper()) for path, item in document["paths"].items() for method in item
    }
    routed = {
        (route.template, method)
        for route in api_routes()
        for method in route.methods
        if route.template not in NOT_DOCUMENTED
    }

    assert sorted(routed - documented) == []


def test_schema_describes_every_endpoint_in_words(document: dict[str, Any]) -> None:
    silent = [
        f"{method.upper()} {path}"
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if not re.search(r"\w", operation.get("description", ""))
    ]

    assert silent == []


def test_schema_says_how_to_sign_in(document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"]

    # `bearer` stands for either token where programs ask many times a second.
    assert set(schemes) == {"serviceToken", "accessToken", "bearer", "session"}
    assert document["paths"]["/api/v1/me"]["get"]["security"] == [
        {"serviceToken": []},
        {"accessToken": []},
        {"session": []},
    ]


def test_every_list_is_an_envelope(document: dict[str, Any]) -> None:
    bare = [
        f"{method.upper()} {path}"
        for path, item in document["paths"].items()
        for method, operation in item.items()
        for answer in operation["responses"].values()
        for content in answer.get("content", {}).values()
        if content["schema"].get("type") == "array"
    ]

    assert bare == []
