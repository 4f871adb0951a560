"""What a new document changes for those who call the API already."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from apps.apis.openapi import Change, compare_documents, derive_api, is_breaking

DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Tides", "version": "1.0"},
    "paths": {
        "/tides": {
            "parameters": [{"name": "Trace", "in": "header", "schema": {"type": "string"}}],
            "get": {
                "parameters": [
                    {
                        "name": "day",
                        "in": "query",
                        "schema": {"type": "string", "enum": ["a", "b"]},
                    },
                    {"$ref": "#/components/parameters/Limit"},
                ],
                "responses": {
                    "200": {
                        "description": "Tides",
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "array",
                                    "items": {"$ref": "#/components/schemas/Tide"},
                                }
                            }
                        },
                    },
                    "404": {"description": "Unknown"},
                },
            },
            "post": {
                "requestBody": {
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Tide"}}
                    }
                },
                "responses": {"201": {"description": "Made"}},
            },
        },
    },
    "components": {
        "parameters": {
            "Limit": {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 100}}
        },
        "schemas": {
            "Tide": {
                "type": "object",
                "required": ["at"],
                "properties": {
                    "at": {"type": "string", "format": "date-time"},
                    "height": {"type": "number"},
                    "next": {"$ref": "#/components/schemas/Tide"},
                },
            }
        },
    },
}
TIDE = "/components/schemas/Tide"


def changed(*path: Any, to: Any) -> dict[str, Any]:
    """Return the document with something else at a place; `None` takes it away."""
    document = copy.deepcopy(DOCUMENT)
    place: Any = document
    for step in path[:-1]:
        place = place[step]
    if to is None:
        del place[path[-1]]
    elif isinstance(place, list) and path[-1] == len(place):
        place.append(to)
    else:
        place[path[-1]] = to
    derive_api(document)
    return document


def short(changes: list[Change]) -> list[tuple[str, str, str, bool]]:
    return [(item.kind, item.code, item.pointer, item.is_breaking) for item in changes]


def test_the_same_document_has_no_changes() -> None:
    assert compare_documents(DOCUMENT, copy.deepcopy(DOCUMENT)) == []


def test_texts_and_examples_are_not_compared() -> None:
    after = changed("paths", "/tides", "get", "summary", to="All tides")

    assert compare_documents(DOCUMENT, after) == []


GET = ("paths", "/tides", "get")
SCHEMA = ("components", "schemas", "Tide")


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (
            ("paths", "/harbours"),
            {"get": {"responses": {}}},
            [("added", "operation", "/paths/~1harbours/get", False)],
        ),
        (
            ("paths", "/tides", "post"),
            None,
            [("removed", "operation", "/paths/~1tides/post", True)],
        ),
        (
            (*GET, "deprecated"),
            True,
            [("changed", "operation_deprecated", "/paths/~1tides/get/deprecated", False)],
        ),
        (
            (*GET, "parameters", 2),
            {"name": "unit", "in": "query"},
            [("added", "parameter", "/paths/~1tides/get/parameters/2", False)],
        ),
        (
            (*GET, "parameters", 2),
            {"name": "unit", "in": "query", "required": True},
            [("added", "required_parameter", "/paths/~1tides/get/parameters/2", True)],
        ),
        (
            (*GET, "parameters", 0, "required"),
            True,
            [("changed", "parameter_required", "/paths/~1tides/get/parameters/0", True)],
        ),
        (
            (*GET, "parameters", 0),
            None,
            [("removed", "parameter", "/paths/~1tides/get/parameters/0", True)],
        ),
        (
            (*GET, "parameters", 0, "schema", "enum"),
            ["a"],
            [("changed", "values", "/paths/~1tides/get/parameters/0/schema/enum", True)],
        ),
        (
            (*GET, "parameters", 0, "schema", "enum"),
            ["a", "b", "c"],
            [("changed", "values", "/paths/~1tides/get/parameters/0/schema/enum", False)],
        ),
        (
            ("components", "parameters", "Limit", "schema", "maximum"),
            50,
            [("changed", "limit", "/components/parameters/Limit/schema/maximum", True)],
        ),
        (
            ("components", "parameters", "Limit", "schema", "maximum"),
            None,
            [("changed", "limit", "/components/parameters/Limit/schema/maximum", False)],
        ),
        (
            ("paths", "/tides", "post", "requestBody", "required"),
            True,
            [("changed", "body_required", "/paths/~1tides/post/requestBody", True)],
        ),
        (
            ("paths", "/tides", "post", "requestBody"),
            None,
            [("removed", "body", "/paths/~1tides/post/requestBody", True)],
        ),
        (
            (*GET, "requestBody"),
            {"content": {}},
            [("added", "body", "/paths/~1tides/get/requestBody", False)],
        ),
        (
            (*GET, "responses", "404"),
            None,
            [("removed", "response", "/paths/~1tides/get/responses/404", False)],
        ),
        (
            (*GET, "responses", "200", "content", "application/json"),
            None,
            [
                (
                    "removed",
                    "media_type",
                    "/paths/~1tides/get/responses/200/content/application~1json",
                    True,
                )
            ],
        ),
        (
            (*GET, "responses", "200", "content", "application/json", "schema", "type"),
            "object",
            [
                (
                    "changed",
                    "type",
                    "/paths/~1tides/get/responses/200/content/application~1json/schema/type",
                    True,
                )
            ],
        ),
    ],
)
def test_a_change_is_found_at_its_place_and_judged(
    path: tuple[Any, ...], value: Any, expected: list[tuple[str, str, str, bool]]
) -> None:
    assert short(compare_documents(DOCUMENT, changed(*path, to=value))) == expected


@pytest.mark.parametrize(
    ("path", "value", "in_answers", "in_requests"),
    [
        (("properties", "note"), {"type": "string"}, ("added", False), ("added", False)),
        (("properties", "height"), None, ("removed", True), ("removed", True)),
        (("properties", "height", "type"), "string", ("changed", True), ("changed", True)),
        (("required",), ["at", "height"], ("changed", False), ("changed", True)),
        (("required",), [], ("changed", True), ("changed", False)),
        (("properties", "at", "enum"), ["x"], ("changed", False), ("changed", True)),
    ],
)
def test_a_shared_schema_is_judged_once_for_those_who_read_and_once_for_those_who_send(
    path: tuple[Any, ...], value: Any, in_answers: tuple[str, bool], in_requests: tuple[str, bool]
) -> None:
    found = compare_documents(DOCUMENT, changed(*SCHEMA, *path, to=value))

    assert [(item.kind, item.is_breaking) for item in found] == [in_answers, in_requests]
    assert all(item.pointer.startswith(TIDE) for item in found)
    assert [item.subject for item in found] == ["GET /tides", "POST /tides"]


def test_new_required_property_breaks_who_sends_only() -> None:
    after = changed(*SCHEMA, "properties", "place", to={"type": "string"})
    after["components"]["schemas"]["Tide"]["required"] = ["at", "place"]

    found = compare_documents(DOCUMENT, after)

    assert [(item.code, item.is_breaking) for item in found] == [
        ("property", False),
        ("required_property", True),
    ]


def test_null_is_told_alike_in_both_versions_of_openapi() -> None:
    before = changed(*SCHEMA, "properties", "height", "nullable", to=True)
    after = changed(*SCHEMA, "properties", "height", "type", to=["number", "null"])

    assert compare_documents(before, after) == []


def test_a_choice_more_breaks_who_reads_a_choice_less_who_sends() -> None:
    one = changed(*SCHEMA, "properties", "height", to={"oneOf": [{"type": "number"}]})
    two = changed(
        *SCHEMA, "properties", "height", to={"oneOf": [{"type": "number"}, {"type": "string"}]}
    )

    assert [item.is_breaking for item in compare_documents(one, two)] == [True, False]
    assert [item.is_breaking for item in compare_documents(two, one)] == [False, True]


def test_a_completely_other_document_is_listed_up_to_the_limit() -> None:
    def paths(prefix: str) -> dict[str, Any]:
        return {f"/{prefix}{number}": {"get": {"responses": {}}} for number in range(400)}

    found = compare_documents({"paths": paths("a")}, {"paths": paths("b")})

    assert len(found) == 500
    assert is_breaking(found)


def test_odd_documents_are_compared_without_falling_over() -> None:
    assert (
        compare_documents({}, {"paths": {"/a": {"get": {"parameters": "x"}}}})[0].code
        == "operation"
    )
    before = {
        "paths": {"/a": {"get": {"responses": {"200": {"content": {"x/y": {"schema": True}}}}}}}
    }
    after = {"paths": {"/a": {"get": {"responses": {"200": {"content": {"x/y": {"schema": 1}}}}}}}}
    assert compare_documents(before, after) == []
