"""The reference: documents as authors write them, written out for those who call."""

from __future__ import annotations

from typing import Any

import pytest

from apps.apis.models import Endpoint
from apps.apis.reference import (
    MAX_DEPTH,
    MAX_ON_ONE_PAGE,
    MAX_ROWS,
    Body,
    build_reference,
    kind_of,
)

BASE = "https://gw.example/pets"
SCHEMAS: dict[str, Any] = {
    "Pet": {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string", "description": "What it answers to."},
            "owner": {"$ref": "#/components/schemas/Person"},
            "kind": {"type": "string", "enum": ["cat", "dog"]},
            "visits": {"type": "array", "items": {"$ref": "#/components/schemas/Visit"}},
        },
    },
    "Person": {"type": "object", "properties": {"email": {"type": "string", "format": "email"}}},
    "Visit": {"type": "object", "required": ["on"], "properties": {"on": {"type": "string", "format": "date"}}},
    "Node": {
        "type": "object",
        "properties": {"value": {"type": "integer"}, "next": {"$ref": "#/components/schemas/Node"}},
    },
}  # fmt: skip


def endpoint(**fields: Any) -> Endpoint:
    given: dict[str, Any] = {"method": "POST", "path": "/pets", "parameters": [], "responses": {}}
    return Endpoint(**{**given, **fields})


def content(schema: Any, **entry: Any) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema, **entry}}}


def body_of(schema: Any, **entry: Any) -> Body:
    operation = endpoint(request_body=content(schema, **entry))
    document = {"components": {"schemas": SCHEMAS}}
    reference = build_reference([operation], document=document, base_url=BASE)
    (body,) = reference.groups[0].operations[0].request
    return body


def rows_of(schema: Any) -> list[tuple[str, str, int, bool]]:
    return [(row.name, row.kind, row.depth, row.is_required) for row in body_of(schema).rows]


def test_references_are_written_out_with_their_members() -> None:
    body = body_of({"$ref": "#/components/schemas/Pet"})

    assert [(row.name, row.kind, row.depth, row.is_required) for row in body.rows] == [
        ("name", "string", 0, True),
        ("owner", "object", 0, False),
        ("email", "string (email)", 1, False),
        ("kind", "string: cat | dog", 0, False),
        ("visits", "array of object", 0, False),
        ("on", "string (date)", 1, True),
    ]
    assert body.rows[0].description == "What it answers to."
    for text in ('"name": "string"', '"kind": "cat"', '"email": "name@example.com"'):
        assert text in body.example


def test_parts_of_all_of_are_members_of_one_object() -> None:
    schema = {"allOf": [{"$ref": "#/components/schemas/Person"}, {"required": ["age"], "properties": {"age": {"type": "integer"}}}]}  # fmt: skip

    assert rows_of(schema) == [("email", "string (email)", 0, False), ("age", "integer", 0, True)]
    assert '"age": 1' in body_of(schema).example
    assert '"email"' in body_of(schema).example


def test_alternatives_are_all_listed_and_the_first_is_the_example() -> None:
    schema = {"oneOf": [{"$ref": "#/components/schemas/Visit"}, {"$ref": "#/components/schemas/Person"}]}  # fmt: skip

    assert [row[0] for row in rows_of(schema)] == ["on", "email"]
    assert '"on"' in body_of(schema).example
    assert '"email"' not in body_of(schema).example


def test_members_of_arrays_are_listed() -> None:
    schema = {"type": "array", "items": {"$ref": "#/components/schemas/Visit"}}

    assert rows_of(schema) == [("on", "string (date)", 0, True)]


def test_a_schema_that_contains_itself_ends() -> None:
    rows = rows_of({"$ref": "#/components/schemas/Node"})

    assert rows[:3] == [("value", "integer", 0, False), ("next", "object", 0, False), ("value", "integer", 1, False)]  # fmt: skip
    assert max(depth for _name, _kind, depth, _required in rows) <= MAX_DEPTH


def test_a_schema_that_branches_into_itself_stays_small() -> None:
    branches = {f"m{number}": {"$ref": "#/components/schemas/Tree"} for number in range(12)}
    document = {"components": {"schemas": {"Tree": {"properties": branches}}}}
    operation = endpoint(request_body=content({"$ref": "#/components/schemas/Tree"}))

    reference = build_reference([operation], document=document, base_url=BASE)

    assert len(reference.groups[0].operations[0].request[0].rows) <= MAX_ROWS


@pytest.mark.parametrize("schema", [None, "text", [], {"$ref": "#/nowhere"}, {"properties": []}])
def test_what_is_no_schema_has_no_members(schema: Any) -> None:
    assert rows_of(schema) == []


def test_the_authors_example_wins() -> None:
    body = body_of({"$ref": "#/components/schemas/Person"}, example={"email": "a@b.example"})

    assert "a@b.example" in body.example


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "string", "nullable": True}, "string | null"),
        ({"type": ["string", "null"]}, "string | null"),
        ({"type": ["integer", "null"], "format": "int64"}, "integer | null (int64)"),
        ({"type": "array", "items": {"type": "integer"}}, "array of integer"),
        ({"type": "array"}, "array"),
        ({"type": "array", "items": {"type": "array", "items": {"type": "number"}}}, "array of array of number"),
        ({"enum": [1, 2]}, "1 | 2"),
        ({"const": "x"}, "x"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string | null"),
        ({"oneOf": [{"type": "integer"}, {"properties": {}}, {"type": "integer"}]}, "integer | object"),
        ({"allOf": [{"properties": {}}, {"properties": {}}]}, "object"),
        ({"anyOf": [{}]}, "anyOf"),
        ({"properties": {}}, "object"),
        ({}, ""),
        (None, ""),
    ],
)  # fmt: skip
def test_kind_of(schema: Any, kind: str) -> None:
    assert kind_of(schema) == kind


def test_a_short_reference_is_one_page_in_the_documents_order() -> None:
    rows = [endpoint(path="/b", tag="Second"), endpoint(path="/a", tag="First"), endpoint(path="/c", tag="Second")]  # fmt: skip

    reference = build_reference(rows, document={}, base_url=BASE)

    assert not reference.is_split
    assert [group.title for group in reference.groups] == ["Second", "First"]
    assert [row.endpoint.path for row in reference.groups[0].operations] == ["/b", "/c"]


@pytest.mark.parametrize(("group", "written"), [("", [16, 0]), ("g2", [0, 15]), ("else", [16, 0])])
def test_a_long_reference_writes_out_one_group_and_names_the_others(
    group: str, written: list[int]
) -> None:
    rows = [endpoint(path=f"/{number}", tag=f"T{number % 2}") for number in range(MAX_ON_ONE_PAGE + 1)]  # fmt: skip

    reference = build_reference(rows, document={}, base_url=BASE, group=group)

    assert reference.is_split
    assert [len(row.operations) for row in reference.groups] == written
    assert [len(row.endpoints) for row in reference.groups] == [16, 15]


def test_a_long_reference_without_groups_is_one_page() -> None:
    rows = [endpoint(path=f"/{number}") for number in range(MAX_ON_ONE_PAGE + 1)]

    reference = build_reference(rows, document={}, base_url=BASE)

    assert not reference.is_split
    assert len(reference.groups[0].operations) == MAX_ON_ONE_PAGE + 1


def test_operations_keep_what_callers_need() -> None:
    operation = endpoint(
        path="/pets/{pet}",
        is_deprecated=True,
        parameters=[
            {"name": "pet", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}},
            {"name": "size", "in": "query", "required": False, "schema": {"type": "integer"}, "description": "At most."},
        ],
        request_body=content({"$ref": "#/components/schemas/Person"}),
        responses={
            "200": {"description": "Found.", **content({"$ref": "#/components/schemas/Pet"})},
            "404": {"description": "No such pet."},
            "default": "broken",
        },
    )  # fmt: skip

    reference = build_reference(
        [operation], document={"components": {"schemas": SCHEMAS}}, base_url=BASE, headers=["X-Region"]
    )  # fmt: skip

    (found,) = reference.groups[0].operations
    assert found.anchor == "post-pets-pet"
    assert found.endpoint.is_deprecated
    assert [(row.name, row.place, row.kind, row.is_required) for row in found.parameters] == [
        ("pet", "path", "string (uuid)", True),
        ("size", "query", "integer", False),
    ]
    assert [(row.status, row.description, len(row.bodies)) for row in found.answers] == [
        ("200", "Found.", 1),
        ("404", "No such pet.", 0),
    ]
    # Each language sends the key, the header that the API wants, and the body written out.
    assert [snippet.language for snippet in found.snippets] == ["curl", "python", "javascript", "go"]  # fmt: skip
    for snippet in found.snippets:
        for text in ("X-Api-Key", "TOLLGATE_KEY", "X-Region", "name@example.com", f"{BASE}/pets/PET"):  # fmt: skip
            assert text in snippet.code
