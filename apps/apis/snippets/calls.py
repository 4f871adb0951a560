"""One call of an operation, with examples for what it needs.

The documents come from strangers: addresses are percent-encoded, and headers that are none are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

from apps.apis.models import Endpoint

MAX_EXAMPLE_DEPTH: Final = 6
JSON_TYPE: Final = "application/json"
BODILESS_METHODS: Final = frozenset({"GET", "HEAD"})
# OpenAPI describes these elsewhere, and the key is ours.
UNWRITTEN_HEADERS: Final = frozenset({"accept", "content-type", "authorization", "x-api-key"})
_TEMPLATE: Final = re.compile(r"(\{[^{}]+\})")
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_UNPRINTABLE: Final = re.compile(r"[^\x20-\x7e]+")
_BY_TYPE: Final[dict[str, Any]] = {
    "string": "string",
    "integer": 1,
    "number": 1.5,
    "boolean": True,
    "array": [],
    "object": {},
    "null": None,
}
_BY_FORMAT: Final = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "email": "name@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


@dataclass(frozen=True, slots=True)
class Call:
    """What is sent; the key is added by whoever writes it down. A body is JSON."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: str | None = None


def call_of(endpoint: Endpoint, *, base_url: str, headers: Sequence[str] = ()) -> Call:
    """Return a call of an operation; `headers` are names that the API wants with every call."""
    body = None if endpoint.method in BODILESS_METHODS else _json_body(endpoint)
    sent = {name: name.upper() for name in headers}
    sent |= {
        item["name"]: str(_shout(item))
        for item in endpoint.parameters
        if item["in"] == "header" and item["required"]
    }
    kept = [
        (name, _UNPRINTABLE.sub(" ", value).strip())
        for name, value in sent.items()
        if _HEADER_NAME.fullmatch(name) and name.lower() not in UNWRITTEN_HEADERS
    ]
    if body is not None:
        kept.append(("Content-Type", JSON_TYPE))
    url = base_url + _path_of(endpoint) + _query_of(endpoint)
    return Call(endpoint.method, url, tuple(kept), body)


def _path_of(endpoint: Endpoint) -> str:
    examples = {item["name"]: item for item in endpoint.parameters if item["in"] == "path"}
    parts = _TEMPLATE.split(endpoint.path)
    return "".join(
        quote(str(_shout(examples.get(part[1:-1], {}), part[1:-1])), safe="")
        if _TEMPLATE.fullmatch(part)
        else quote(part, safe="/:@!$&'()*+,;=%~")
        for part in parts
    )


def _query_of(endpoint: Endpoint) -> str:
    needed = [item for item in endpoint.parameters if item["in"] == "query" and item["required"]]
    pairs = {item["name"]: _shout(item) for item in needed}
    return f"?{urlencode(pairs)}" if pairs else ""


def _shout(parameter: dict[str, Any], name: str = "") -> Any:
    """Return a parameter's example; a missing one is its name in capitals, to be seen and replaced."""
    found = _example(parameter)
    return (name or str(parameter.get("name", ""))).upper() if found is None else found


def _example(parameter: dict[str, Any]) -> Any:
    """Return what the author gave as an example: of the parameter, or of its schema."""
    schema = parameter.get("schema") or {}
    given = (parameter.get("example"), schema.get("example"), schema.get("default"))
    listed = schema.get("enum")
    return next((item for item in given if item is not None), listed[0] if listed else None)


def _json_body(endpoint: Endpoint) -> str | None:
    content = (endpoint.request_body or {}).get("content", {})
    if JSON_TYPE not in content:
        return None
    entry = content[JSON_TYPE]
    example = entry.get("example")
    if example is None:
        example = example_of(entry.get("schema") or {})
    return json.dumps(example, ensure_ascii=False)


def example_of(schema: Any, depth: int = 0) -> Any:
    """Return a value that fits a schema roughly: its example, its default, or something of its type."""
    if not isinstance(schema, dict):
        return {}
    for name in ("example", "default", "const"):
        if name in schema:
            return schema[name]
    for name in ("examples", "enum"):
        if isinstance(schema.get(name), list) and schema[name]:
            return schema[name][0]
    if depth >= MAX_EXAMPLE_DEPTH:
        return {}
    return _example_of_shape(schema, depth)


def _example_of_shape(schema: dict[str, Any], depth: int) -> Any:
    for name in ("oneOf", "anyOf"):
        if isinstance(schema.get(name), list) and schema[name]:
            return example_of(schema[name][0], depth + 1)
    properties = schema.get("properties")
    merged: dict[str, Any] = {}
    for part in schema.get("allOf") or ():
        example = example_of(part, depth + 1)
        merged |= example if isinstance(example, dict) else {}
    if isinstance(properties, dict):
        merged |= {
            name: example_of(inner, depth + 1)
            for name, inner in properties.items()
            if isinstance(inner, dict)
        }
    if merged:
        return merged
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "array" and isinstance(schema.get("items"), dict):
        return [example_of(schema["items"], depth + 1)]
    if kind == "string" and isinstance(schema.get("format"), str):
        return _BY_FORMAT.get(schema["format"], "string")
    return _BY_TYPE.get(kind if isinstance(kind, str) else "string", {})
