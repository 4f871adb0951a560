"""What a new document of an API changes for those who call it already.

The rules, from a caller's side (docs/domain/publishing.md has them as a table). Breaking is whatever may turn a call
that worked into one that fails, or an answer that was understood into one that is not: something that is gone, something
that is newly demanded, values that a request may no longer hold, values that an answer holds newly. Texts and
examples are not compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple

from apps.apis.openapi.parsing import ADMIN, METHODS, REQUIRED_SCOPE
from apps.apis.openapi.problems import pointer_to
from apps.apis.openapi.references import resolve
from apps.apis.openapi.schemas import BREAKING, COMPATIBLE, SchemaComparer, Side

MAX_CHANGES: Final = 500

ADDED: Final = "added"
CHANGED: Final = "changed"
REMOVED: Final = "removed"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `pointer` leads into the new document, of something removed into the old one."""

    kind: str
    code: str
    pointer: str
    is_breaking: bool
    subject: str = ""
    name: str = ""
    before: str = ""
    after: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return asdict(self)


class _Place(NamedTuple):
    """Something of a document, and where it stands."""

    value: Any
    pointer: str


def compare_documents(before: dict[str, Any], after: dict[str, Any]) -> list[Change]:
    """Return what differs, in the new document's order, what is gone last; at most `MAX_CHANGES`.

    Both documents were read by `derive_api`, so their references lead somewhere.
    """
    found = []
    for change in _Comparison(before, after).changes():
        found.append(change)
        if len(found) >= MAX_CHANGES:
            break
    return found


def is_breaking(changes: list[Change]) -> bool:
    """Whether callers must do something before the new document is in force."""
    return any(change.is_breaking for change in changes)


class _Comparison:
    """Compares operation by operation; schemas that several operations share are compared once."""

    def __init__(self, before: dict[str, Any], after: dict[str, Any]) -> None:
        self._before, self._after = before, after
        self._schemas = SchemaComparer(before, after)

    def changes(self) -> Iterator[Change]:
        old, new = _operations(self._before), _operations(self._after)
        for key, place in new.items():
            if key in old:
                yield from self._operation(" ".join(key), old[key], place)
            else:
                yield Change(ADDED, "operation", place.pointer, COMPATIBLE, " ".join(key))
        for key, place in old.items():
            if key not in new:
                yield Change(REMOVED, "operation", place.pointer, BREAKING, " ".join(key))

    def _operation(self, subject: str, old: _Place, new: _Place) -> Iterator[Change]:
        if new.value.get("deprecated") is True and old.value.get("deprecated") is not True:
            pointer = f"{new.pointer}/deprecated"
            yield Change(CHANGED, "operation_deprecated", pointer, COMPATIBLE, subject)
        yield from _required_scope(subject, old, new)
        yield from self._parameters(subject, old, new)
        yield from self._body(subject, old, new)
        yield from self._responses(subject, old, new)

    def _parameters(self, subject: str, old: _Place, new: _Place) -> Iterator[Change]:
        before = _parameters(self._before, old)
        after = _parameters(self._after, new)
        for key, place in after.items():
            is_needed = _is_needed(place.value)
            name = f"{key[1]} ({key[0]})"
            if key not in before:
                code = "required_parameter" if is_needed else "parameter"
                yield Change(ADDED, code, place.pointer, is_needed, subject, name)
                continue
            was_needed = _is_needed(before[key].value)
            if is_needed != was_needed:
                code = "parameter_required" if is_needed else "parameter_optional"
                yield Change(CHANGED, code, place.pointer, is_needed, subject, name)
            yield from self._schema(subject, (before[key], place), Side.REQUEST, name)
        for key, place in before.items():
            if key not in after:
                name = f"{key[1]} ({key[0]})"
                yield Change(REMOVED, "parameter", place.pointer, BREAKING, subject, name)

    def _body(self, subject: str, old: _Place, new: _Place) -> Iterator[Change]:
        before = _member(self._before, old, "requestBody")
        after = _member(self._after, new, "requestBody")
        if before is None and after is not None:
            is_needed = after.value.get("required") is True
            code = "required_body" if is_needed else "body"
            yield Change(ADDED, code, after.pointer, is_needed, subject)
        elif before is not None and after is None:
            yield Change(REMOVED, "body", before.pointer, BREAKING, subject)
        elif before is not None and after is not None:
            is_needed = after.value.get("required") is True
            if is_needed != (before.value.get("required") is True):
                code = "body_required" if is_needed else "body_optional"
                yield Change(CHANGED, code, after.pointer, is_needed, subject)
            yield from self._content(subject, before, after, Side.REQUEST)

    def _responses(self, subject: str, old: _Place, new: _Place) -> Iterator[Change]:
        before = dict(_members(self._before, old, "responses"))
        after = dict(_members(self._after, new, "responses"))
        for status, place in after.items():
            if status in before:
                yield from self._content(subject, before[status], place, Side.RESPONSE)
            else:
                yield Change(ADDED, "response", place.pointer, COMPATIBLE, subject, status)
        for status, place in before.items():
            if status not in after:
                is_success = status.startswith("2") or status == "default"
                yield Change(REMOVED, "response", place.pointer, is_success, subject, status)

    def _content(self, subject: str, old: _Place, new: _Place, side: Side) -> Iterator[Change]:
        before = dict(_members(self._before, old, "content"))
        after = dict(_members(self._after, new, "content"))
        for media_type, place in after.items():
            if media_type in before:
                yield from self._schema(subject, (before[media_type], place), side)
            else:
                yield Change(ADDED, "media_type", place.pointer, COMPATIBLE, subject, media_type)
        for media_type, place in before.items():
            if media_type not in after:
                yield Change(REMOVED, "media_type", place.pointer, BREAKING, subject, media_type)

    def _schema(
        self, subject: str, places: tuple[_Place, _Place], side: Side, name: str = ""
    ) -> Iterator[Change]:
        old, new = places
        for found in self._schemas.compare(
            (old.value.get("schema"), f"{old.pointer}/schema"),
            (new.value.get("schema"), f"{new.pointer}/schema"),
            side=side,
        ):
            yield Change(
                found.kind,
                found.code,
                found.pointer,
                found.is_breaking,
                subject,
                found.name or name,
                found.before,
                found.after,
            )


def _required_scope(subject: str, old: _Place, new: _Place) -> Iterator[Change]:
    before, after = (place.value.get(REQUIRED_SCOPE) == ADMIN for place in (old, new))
    pointer = f"{new.pointer}/{REQUIRED_SCOPE}"
    if after and not before:
        yield Change(CHANGED, "operation_for_admin", pointer, BREAKING, subject)
    elif before and not after:
        yield Change(CHANGED, "operation_for_all", new.pointer, COMPATIBLE, subject)


def _operations(document: dict[str, Any]) -> dict[tuple[str, str], _Place]:
    found = {}
    paths = document.get("paths")
    for path, raw in (paths if isinstance(paths, dict) else {}).items():
        item, pointer = resolve(document, raw, pointer_to("paths", path))
        if not isinstance(item, dict):
            continue
        for method in METHODS:
            operation = item.get(method)
            if isinstance(operation, dict):
                shared = item.get("parameters")
                found[method.upper(), path] = _Place(
                    {**operation, "x-shared-parameters": (shared, f"{pointer}/parameters")},
                    f"{pointer}/{method}",
                )
    return found


def _parameters(document: dict[str, Any], operation: _Place) -> dict[tuple[str, str], _Place]:
    found = {}
    shared, shared_pointer = operation.value["x-shared-parameters"]
    own = operation.value.get("parameters")
    for rows, pointer in ((shared, shared_pointer), (own, f"{operation.pointer}/parameters")):
        for index, raw in enumerate(rows if isinstance(rows, list) else ()):
            item, place = resolve(document, raw, f"{pointer}/{index}")
            if isinstance(item, dict):
                found[str(item.get("in")), str(item.get("name"))] = _Place(item, place)
    return found


def _is_needed(parameter: dict[str, Any]) -> bool:
    return parameter.get("required") is True or parameter.get("in") == "path"


def _member(document: dict[str, Any], owner: _Place, name: str) -> _Place | None:
    value, pointer = resolve(document, owner.value.get(name), f"{owner.pointer}/{name}")
    return _Place(value, pointer) if isinstance(value, dict) else None


def _members(document: dict[str, Any], owner: _Place, name: str) -> Iterator[tuple[str, _Place]]:
    holder = _member(document, owner, name)
    for key, raw in (holder.value if holder else {}).items():
        value, pointer = resolve(
            document, raw, f"{holder.pointer if holder else ''}{pointer_to(key)}"
        )
        if isinstance(value, dict):
            yield key, _Place(value, pointer)
