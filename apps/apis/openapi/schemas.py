"""How two JSON schemas differ, seen by somebody who sends (request) or reads (response) what they describe."""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Final, NamedTuple

from apps.apis.openapi.problems import pointer_to
from apps.apis.openapi.references import resolve

MAX_DEPTH: Final = 20
MAX_SHOWN: Final = 120
BREAKING: Final = True
COMPATIBLE: Final = False
# A request may hold less when one of these falls, or one of those rises.
_UPPER_LIMITS: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_LOWER_LIMITS: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_ALTERNATIVES: Final = ("allOf", "anyOf", "oneOf")


class Side(StrEnum):
    """Who has to keep to a schema: the caller, or the API."""

    REQUEST = "request"
    RESPONSE = "response"


class SchemaChange(NamedTuple):
    """One difference of two schemas."""

    kind: str
    code: str
    pointer: str
    is_breaking: bool
    name: str = ""
    before: str = ""
    after: str = ""


class SchemaComparer:
    """Compares schemas of two documents, each pair of places once: schemas may contain themselves."""

    def __init__(self, before: dict[str, Any], after: dict[str, Any]) -> None:
        """Keep the documents that references lead into."""
        self._before, self._after = before, after
        self._seen: set[tuple[str, str, Side]] = set()

    def compare(
        self, old: tuple[Any, str], new: tuple[Any, str], *, side: Side, depth: int = 0
    ) -> Iterator[SchemaChange]:
        """Yield what differs between a schema and its successor, each given with its place."""
        before, before_pointer = resolve(self._before, *old)
        after, pointer = resolve(self._after, *new)
        key = (before_pointer, pointer, side)
        if depth > MAX_DEPTH or key in self._seen:
            return
        self._seen.add(key)
        if not isinstance(before, dict) or not isinstance(after, dict):
            return
        yield from _type_changes(before, after, pointer)
        yield from _enum_changes(before, after, pointer, side)
        if side is Side.REQUEST:
            yield from _limit_changes(before, after, pointer)
        yield from self._properties((before, before_pointer), (after, pointer), side, depth)
        for name in ("items", "additionalProperties"):
            if isinstance(before.get(name), dict) and isinstance(after.get(name), dict):
                yield from self.compare(
                    (before[name], f"{before_pointer}/{name}"),
                    (after[name], f"{pointer}/{name}"),
                    side=side,
                    depth=depth + 1,
                )
        yield from self._alternatives((before, before_pointer), (after, pointer), side, depth)

    def _properties(
        self,
        old: tuple[dict[str, Any], str],
        new: tuple[dict[str, Any], str],
        side: Side,
        depth: int,
    ) -> Iterator[SchemaChange]:
        (before, before_pointer), (after, pointer) = old, new
        had, has = _dict(before, "properties"), _dict(after, "properties")
        needed_before, needed = _names(before), _names(after)
        for name, schema in has.items():
            place = f"{pointer}/properties{pointer_to(name)}"
            if name not in had:
                is_demanded = side is Side.REQUEST and name in needed
                code = "required_property" if is_demanded else "property"
                yield SchemaChange("added", code, place, is_demanded, name)
                continue
            if (name in needed) != (name in needed_before):
                yield _requirement_change(name, place, side, is_needed=name in needed)
            yield from self.compare(
                (had[name], f"{before_pointer}/properties{pointer_to(name)}"),
                (schema, place),
                side=side,
                depth=depth + 1,
            )
        for name in (name for name in had if name not in has):
            place = f"{before_pointer}/properties{pointer_to(name)}"
            yield SchemaChange("removed", "property", place, BREAKING, name)

    def _alternatives(
        self,
        old: tuple[dict[str, Any], str],
        new: tuple[dict[str, Any], str],
        side: Side,
        depth: int,
    ) -> Iterator[SchemaChange]:
        (before, before_pointer), (after, pointer) = old, new
        for name in _ALTERNATIVES:
            had, has = _list(before, name), _list(after, name)
            if len(had) != len(has):
                # Fewer choices hurt who sends, more choices hurt who reads; parts of a whole hurt both.
                grew = len(has) > len(had)
                is_breaking = name == "allOf" or (side is Side.RESPONSE) == grew
                yield SchemaChange(
                    "changed", "choices", f"{pointer}/{name}", is_breaking,
                    name, str(len(had)), str(len(has)),
                )  # fmt: skip
                continue
            for index, (first, second) in enumerate(zip(had, has, strict=True)):
                yield from self.compare(
                    (first, f"{before_pointer}/{name}/{index}"),
                    (second, f"{pointer}/{name}/{index}"),
                    side=side,
                    depth=depth + 1,
                )


def _requirement_change(name: str, place: str, side: Side, *, is_needed: bool) -> SchemaChange:
    code = "property_required" if is_needed else "property_optional"
    return SchemaChange("changed", code, place, is_needed == (side is Side.REQUEST), name)


def _type_changes(
    before: dict[str, Any], after: dict[str, Any], pointer: str
) -> Iterator[SchemaChange]:
    if _types(before) != _types(after):
        yield SchemaChange(
            "changed",
            "type",
            f"{pointer}/type",
            BREAKING,
            "",
            _shown(before, "type"),
            _shown(after, "type"),
        )
    elif before.get("format") != after.get("format"):
        shown = (_shown(before, "format"), _shown(after, "format"))
        yield SchemaChange("changed", "format", f"{pointer}/format", BREAKING, "", *shown)


def _types(schema: dict[str, Any]) -> frozenset[str]:
    """Return the types with `null` counted alike in 3.0 (`nullable`) and 3.1 (a type)."""
    raw = schema.get("type")
    found = {str(item) for item in (raw if isinstance(raw, list) else [raw] if raw else [])}
    if schema.get("nullable") is True:
        found.add("null")
    return frozenset(found)


def _enum_changes(
    before: dict[str, Any], after: dict[str, Any], pointer: str, side: Side
) -> Iterator[SchemaChange]:
    had, has = _values(before), _values(after)
    if had == has:
        return
    if had is None or has is None:
        # A list of values that appears narrows, one that disappears widens.
        narrows, widens = had is None, has is None
    else:
        narrows, widens = bool(had - has), bool(has - had)
    is_breaking = narrows if side is Side.REQUEST else widens
    shown = (_shown(before, "enum"), _shown(after, "enum"))
    yield SchemaChange("changed", "values", f"{pointer}/enum", is_breaking, "", *shown)


def _limit_changes(
    before: dict[str, Any], after: dict[str, Any], pointer: str
) -> Iterator[SchemaChange]:
    for name in (*_UPPER_LIMITS, *_LOWER_LIMITS):
        old, new = _number(before, name), _number(after, name)
        if old == new:
            continue
        falls = new is not None and (old is None or new < old)
        rises = new is not None and (old is None or new > old)
        is_breaking = falls if name in _UPPER_LIMITS else rises
        shown = (_shown(before, name), _shown(after, name))
        yield SchemaChange("changed", "limit", f"{pointer}/{name}", is_breaking, name, *shown)
    if before.get("pattern") != after.get("pattern"):
        shown = (_shown(before, "pattern"), _shown(after, "pattern"))
        is_breaking = "pattern" in after
        yield SchemaChange("changed", "limit", f"{pointer}/pattern", is_breaking, "pattern", *shown)


def _dict(schema: dict[str, Any], name: str) -> dict[str, Any]:
    value = schema.get(name)
    return value if isinstance(value, dict) else {}


def _list(schema: dict[str, Any], name: str) -> list[Any]:
    value = schema.get(name)
    return value if isinstance(value, list) else []


def _names(schema: dict[str, Any]) -> frozenset[str]:
    return frozenset(name for name in _list(schema, "required") if isinstance(name, str))


def _values(schema: dict[str, Any]) -> frozenset[str] | None:
    value = schema.get("enum")
    return frozenset(map(json.dumps, value)) if isinstance(value, list) else None


def _number(schema: dict[str, Any], name: str) -> float | None:
    value = schema.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _shown(schema: dict[str, Any], name: str) -> str:
    if name not in schema:
        return ""
    value = schema[name]
    return (value if isinstance(value, str) else json.dumps(value))[:MAX_SHOWN]
