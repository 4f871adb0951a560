"""Documents of strangers: read, bounded, explained."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.apis.openapi import MAX_DOCUMENT_BYTES, OpenApiInvalid, derive_api, load_document

YAML = b"""
openapi: 3.1.0
info: {title: Weather, version: "2.4", summary: Forecasts, description: "# Weather"}
servers: [{url: "https://weather.example.com/v2"}]
paths:
  /places/{place}/forecast:
    parameters:
      - $ref: "#/components/parameters/Place"
    get:
      operationId: getForecast
      summary: Forecast of a place
      tags: [forecasts]
      parameters:
        - {name: days, in: query, schema: {type: integer}, example: 3}
      responses:
        200: {description: The forecast, content: {application/json: {schema: {$ref: "#/components/schemas/Node"}}}}
        default: {$ref: "#/components/responses/Problem"}
    delete: {deprecated: true, responses: {"204": {description: Gone}}}
components:
  parameters:
    Place: {name: place, in: path, required: true, schema: {type: string}}
  responses:
    Problem: {description: What went wrong}
  schemas:
    Node: {type: object, properties: {children: {type: array, items: {$ref: "#/components/schemas/Node"}}}}
"""


def minimal(**changes: Any) -> dict[str, Any]:
    return {
        "openapi": "3.0.3",
        "info": {"title": "Weather", "version": "1.0"},
        "paths": {"/now": {"get": {"responses": {"200": {"description": "Now"}}}}},
        **changes,
    }


def problems_of(document: Any) -> list[tuple[str, str]]:
    with pytest.raises(OpenApiInvalid) as refusal:
        derive_api(load_document(json.dumps(document).encode()))
    return [(item.pointer, item.code) for item in refusal.value.problems]


def test_derive_api_reads_texts_operations_and_followed_references() -> None:
    derived = derive_api(load_document(YAML))

    assert (derived.title, derived.version, derived.summary) == ("Weather", "2.4", "Forecasts")
    assert derived.server_urls == ("https://weather.example.com/v2",)
    get, delete = derived.operations
    assert (get.method, get.path, get.tag) == ("GET", "/places/{place}/forecast", "forecasts")
    assert [(item["name"], item["in"], item["required"]) for item in get.parameters] == [
        ("place", "path", True),
        ("days", "query", False),
    ]
    assert get.responses["default"]["description"] == "What went wrong"
    assert get.responses["200"]["content"]["application/json"]["schema"]["type"] == "object"
    assert delete.is_deprecated is True


def test_load_document_reads_json_with_byte_order_mark() -> None:
    assert load_document(b"\xef\xbb\xbf" + json.dumps(minimal()).encode()) == minimal()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\xff\xfe\x00", "not_text"),
        (b'{"openapi": ', "not_json"),
        (b"openapi: [3.0", "not_yaml"),
        (b'{"n": ' + b"1" * 5000 + b"}", "not_json"),
        (b"just words", "wrong_type"),
        (b"!!python/object/apply:os.system ['true']", "not_yaml"),
        (b"[" * 100_000, "too_deep"),
        (b"a: " * 1 + b"{a: " * 200 + b"1" + b"}" * 200, "too_deep"),
        (b" " * (MAX_DOCUMENT_BYTES + 1), "too_large"),
    ],
)
def test_load_document_refuses(content: bytes, code: str) -> None:
    with pytest.raises(OpenApiInvalid) as refusal:
        load_document(content)

    assert refusal.value.problems[0].code == code


def test_load_document_refuses_yaml_that_explodes() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]

    with pytest.raises(OpenApiInvalid) as refusal:
        load_document("\n".join(lines).encode())

    assert refusal.value.problems[0].code == "too_complex"


def test_load_document_refuses_yaml_that_contains_itself() -> None:
    with pytest.raises(OpenApiInvalid) as refusal:
        load_document(b"a: &a {b: *a}")

    assert refusal.value.problems[0].code == "too_deep"


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"swagger": "2.0"}, [("/swagger", "unsupported_version")]),
        (minimal(openapi="4.0.0"), [("/openapi", "unsupported_version")]),
        (
            minimal(info={"title": ""}),
            [("/info/title", "wrong_type"), ("/info/version", "wrong_type")],
        ),
        (minimal(paths=[]), [("/paths", "wrong_type")]),
        (minimal(paths={}), [("/paths", "no_operations")]),
        (minimal(paths={"now": {}}), [("/paths/now", "bad_path")]),
        (minimal(paths={"/a/{b}": {"get": {}}}), [("/paths/~1a~1{b}/get", "missing_parameter")]),
        (
            minimal(paths={"/a": {"get": {"parameters": [{"name": "x"}]}}}),
            [("/paths/~1a/get/parameters/0", "wrong_type")],
        ),
        (
            minimal(paths={"/a": {"$ref": "https://evil.example/x.yaml"}}),
            [("/paths/~1a/$ref", "remote_ref"), ("/paths/~1a", "wrong_type")],
        ),
        (
            minimal(paths={"/a": {"get": {"requestBody": {"$ref": "#/components/none"}}}}),
            [("/paths/~1a/get/requestBody/$ref", "broken_ref")],
        ),
        (
            minimal(paths={p: {"get": {"operationId": "same"}} for p in ("/a", "/b")}),
            [("/paths/~1b/get/operationId", "duplicate")],
        ),
    ],
)
def test_derive_api_points_at_what_is_wrong(
    document: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert problems_of(document) == expected


def test_derive_api_refuses_references_in_a_circle() -> None:
    circle = {"a": {"$ref": "#/components/responses/b"}, "b": {"$ref": "#/components/responses/a"}}
    paths = {"/a": {"get": {"responses": {"200": {"$ref": "#/components/responses/a"}}}}}

    found = problems_of(minimal(paths=paths, components={"responses": circle}))

    assert found == [("/paths/~1a/get/responses/200", "cyclic_ref")]


def test_derive_api_stops_after_fifty_problems() -> None:
    paths: dict[str, Any] = {f"no-slash-{n}": {} for n in range(80)}

    assert len(problems_of(minimal(paths=paths))) == 50


def test_load_document_refuses_yaml_whose_merges_explode() -> None:
    lines = ["a0: &a0 {" + ", ".join(f"k{n}: 1" for n in range(10)) + "}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 9)]

    with pytest.raises(OpenApiInvalid) as refusal:
        load_document("\n".join(lines).encode())

    assert refusal.value.problems[0].code == "too_complex"


def test_load_document_reads_yaml_merges() -> None:
    content = b"base: &base {type: string}\nname: {<<: *base, maxLength: 3}"

    assert load_document(content)["name"] == {"type": "string", "maxLength": 3}


def test_load_document_drops_what_the_database_cannot_store() -> None:
    content = b'{"a\\u0000b": "c\\u0000\\ud800d", "n": 1e999}'

    assert load_document(content) == {"ab": "cd", "n": None}


def test_derive_api_refuses_more_references_than_it_would_follow() -> None:
    rows = [{"$ref": "#/components/schemas/A"}] * 20_001
    document = minimal(components={"schemas": {"A": {"type": "object"}, "B": {"allOf": rows}}})

    assert problems_of(document) == [("/components/schemas/B/allOf/20000/$ref", "too_many_refs")]
