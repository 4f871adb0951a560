"""The reference of an API: its operations as somebody reads them who is going to call them.

Endpoints keep the schemas of their document, which may refer to one another and to themselves; here they are written
out, as far as anybody reads.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from apps.apis.models import Endpoint
from apps.apis.openapi.references import resolve
from apps.apis.snippets import Snippet, call_of, example_of, snippets_of

MAX_DEPTH: Final = 6
MAX_NODES: Final = 400
MAX_ROWS: Final = 120
MAX_EXAMPLE_CHARS: Final = 6000
MAX_VALUES: Final = 8
# An API with more operations is shown one group at a time: a page stays light.
MAX_ON_ONE_PAGE: Final = 30
_MIXED: Final = ("allOf", "anyOf", "oneOf")


@dataclass(frozen=True, slots=True)
class SchemaRow:
    """One member of a body, indented by its depth."""

    name: str
    kind: str
    depth: int
    is_required: bool
    description: str


@dataclass(frozen=True, slots=True)
class Body:
    """What is sent or answered, in one media type."""

    media_type: str
    rows: list[SchemaRow]
    example: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One response."""

    status: str
    description: str
    bodies: list[Body]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an operation."""

    name: str
    place: str
    kind: str
    is_required: bool
    description: str


@dataclass(frozen=True, slots=True)
class ReferenceOperation:
    """An operation, written out."""

    endpoint: Endpoint
    anchor: str
    parameters: list[Parameter]
    request: list[Body]
    answers: list[Answer]
    snippets: list[Snippet]


@dataclass(frozen=True, slots=True)
class ReferenceGroup:
    """Operations that belong together; those that are not on this page are only named."""

    title: str
    slug: str
    endpoints: list[tuple[str, Endpoint]]
    operations: list[ReferenceOperation]


@dataclass(frozen=True, slots=True)
class Reference:
    """All groups of an API; `is_split` if only one of them is written out."""

    groups: list[ReferenceGroup]
    is_split: bool


def build_reference(
    endpoints: Sequence[Endpoint],
    *,
    document: dict[str, Any],
    base_url: str,
    headers: Sequence[str] = (),
    group: str = "",
) -> Reference:
    """Write the operations out, grouped by their tags in the document's order.

    `headers` are names that the API wants with every call. A long reference has its groups on pages of their own:
    `group` chooses one by its slug, else the first.
    """
    by_tag: dict[str, list[Endpoint]] = {}
    for endpoint in endpoints:
        by_tag.setdefault(endpoint.tag, []).append(endpoint)
    slugs = {tag: f"g{number}" for number, tag in enumerate(by_tag, start=1)}
    is_split = len(endpoints) > MAX_ON_ONE_PAGE and len(by_tag) > 1
    chosen = group if group in slugs.values() else next(iter(slugs.values()), "")
    writer = _Writer(document, base_url, headers)
    groups = [
        ReferenceGroup(
            title=tag,
            slug=slugs[tag],
            endpoints=[(anchor_of(endpoint), endpoint) for endpoint in found],
            operations=[]
            if is_split and slugs[tag] != chosen
            else [writer.operation(endpoint) for endpoint in found],
        )
        for tag, found in by_tag.items()
    ]
    return Reference(groups, is_split)


def anchor_of(endpoint: Endpoint) -> str:
    """Return the fragment that leads to an operation; it survives a new import of the document."""
    path = endpoint.path.strip("/").replace("/", "-").replace("{", "").replace("}", "")
    return quote(f"{endpoint.method.lower()}-{path}".rstrip("-"), safe="")


class _Writer:
    def __init__(self, document: dict[str, Any], base_url: str, headers: Sequence[str]) -> None:
        self._document = document
        self._base_url = base_url
        self._headers = headers
        self._nodes = 0

    def operation(self, endpoint: Endpoint) -> ReferenceOperation:
        body = self._inlined(endpoint.request_body or {})
        call = call_of(
            Endpoint(
                method=endpoint.method,
                path=endpoint.path,
                parameters=endpoint.parameters,
                request_body=body or None,
            ),
            base_url=self._base_url,
            headers=self._headers,
        )
        return ReferenceOperation(
            endpoint=endpoint,
            anchor=anchor_of(endpoint),
            parameters=[_parameter(item) for item in endpoint.parameters],
            request=_bodies(body),
            answers=[
                Answer(
                    str(status), str(found.get("description", "")), _bodies(self._inlined(found))
                )
                for status, found in endpoint.responses.items()
                if isinstance(found, dict)
            ],
            snippets=snippets_of(call),
        )

    def _inlined(self, described: dict[str, Any]) -> dict[str, Any]:
        """Return a body with the references of its schemas written out."""
        content = described.get("content")
        if not isinstance(content, dict):
            return {}
        self._nodes = 0
        written = {
            media_type: {**entry, "schema": self._write_out(entry.get("schema"), 0)}
            for media_type, entry in content.items()
            if isinstance(entry, dict)
        }
        return {**described, "content": written}

    def _write_out(self, schema: Any, depth: int) -> Any:
        self._nodes += 1
        found, _place = resolve(self._document, schema, "")
        if not isinstance(found, dict):
            return {}
        if depth >= MAX_DEPTH or self._nodes > MAX_NODES:
            return {key: found[key] for key in ("type", "description") if key in found}
        written = dict(found)
        if isinstance(found.get("properties"), dict):
            written["properties"] = {
                name: self._write_out(inner, depth + 1)
                for name, inner in found["properties"].items()
            }
        for name in ("items", "additionalProperties"):
            if isinstance(found.get(name), dict):
                written[name] = self._write_out(found[name], depth + 1)
        for name in _MIXED:
            if isinstance(found.get(name), list):
                written[name] = [self._write_out(part, depth + 1) for part in found[name]]
        return written


def _parameter(item: dict[str, Any]) -> Parameter:
    return Parameter(
        name=str(item.get("name", "")),
        place=str(item.get("in", "")),
        kind=kind_of(item.get("schema")),
        is_required=item.get("required") is True,
        description=str(item.get("description") or ""),
    )


def _bodies(described: dict[str, Any]) -> list[Body]:
    content = described.get("content") or {}
    return [_body(str(media_type), entry) for media_type, entry in content.items()]


def _body(media_type: str, entry: dict[str, Any]) -> Body:
    example = entry.get("example")
    if example is None and entry.get("schema"):
        example = example_of(entry["schema"])
    text = "" if example is None else _text_of(example)
    rows = list(_rows(entry.get("schema") or {}, 0))[:MAX_ROWS]
    return Body(media_type, rows, text[:MAX_EXAMPLE_CHARS])


def _text_of(example: Any) -> str:
    if isinstance(example, str):
        return example
    return json.dumps(example, indent=2, ensure_ascii=False)


def _rows(schema: dict[str, Any], depth: int) -> Iterator[SchemaRow]:
    """List the members of an object, of the objects in an array, and of what a schema is put together from."""
    if depth > MAX_DEPTH:
        return
    needed = schema.get("required") if isinstance(schema.get("required"), list) else []
    properties = schema.get("properties")
    for name, inner in (properties if isinstance(properties, dict) else {}).items():
        if not isinstance(inner, dict):
            continue
        description = inner.get("description")
        yield SchemaRow(
            name=str(name),
            kind=kind_of(inner),
            depth=depth,
            is_required=name in (needed or []),
            description=description if isinstance(description, str) else "",
        )
        yield from _rows(inner, depth + 1)
    if isinstance(schema.get("items"), dict):
        yield from _rows(schema["items"], depth)
    for name in _MIXED:
        for part in schema.get(name) or ():
            if isinstance(part, dict):
                yield from _rows(part, depth)


def kind_of(schema: Any) -> str:
    """Return a schema's type in a few words: `string (date)`, `array of integer`, `string | null`, `string: a | b`."""
    if not isinstance(schema, dict):
        return ""
    kind = _type_of(schema)
    if schema.get("nullable") is True:  # as OpenAPI 3.0 says what 3.1 says with the type `null`
        kind = f"{kind} | null" if kind else "null"
    if isinstance(schema.get("format"), str):
        kind = f"{kind} ({schema['format']})".strip()
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if isinstance(values, list):
        kind = f"{kind}: {' | '.join(map(str, values[:MAX_VALUES]))}".strip(": ")
    return kind


def _type_of(schema: dict[str, Any]) -> str:
    raw = schema.get("type")
    if raw == "array":
        inner = kind_of(schema.get("items"))
        return f"array of {inner}" if inner else "array"
    if raw:
        return " | ".join(map(str, raw)) if isinstance(raw, list) else str(raw)
    if "properties" in schema:
        return "object"
    for name in _MIXED:
        parts = schema.get(name)
        if isinstance(parts, list):
            kinds = [kind for kind in map(kind_of, parts) if kind]
            return " | ".join(dict.fromkeys(kinds)) or name
    return ""
