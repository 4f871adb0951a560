"""`$ref`: only into the same document, existing, and never in a circle of bare references.

References are followed where an operation needs the answer (parameters, bodies, responses, path items). Schemas keep
theirs, because a schema may rightly contain itself; their targets are only checked to exist.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote

from django.utils.translation import gettext as _

from apps.apis.openapi.problems import ProblemList, pointer_to

MAX_HOPS: Final = 20
MAX_REFERENCES: Final = 20_000
_MISSING: Final = object()


class References:
    """Follows the references of one document."""

    def __init__(self, document: dict[str, Any], problems: ProblemList) -> None:
        """Keep the document, and where to note problems."""
        self._document = document
        self._problems = problems

    def check_all(self) -> None:
        """Note every reference that leaves the document or leads nowhere."""
        for number, (pointer, target) in enumerate(_references(self._document, ()), start=1):
            if number > MAX_REFERENCES:
                detail = _("The document has more than %(limit)s references.")
                self._problems.add(pointer, "too_many_refs", detail % {"limit": MAX_REFERENCES})
                return
            if not isinstance(target, str):
                self._problems.wrong_type(pointer, _("a text"))
            elif not target.startswith("#"):
                detail = _("Only references into the same document (“#/…”) are followed.")
                self._problems.add(pointer, "remote_ref", detail)
            elif self._find(target) is _MISSING:
                detail = _("“%(target)s” does not exist in the document.") % {
                    "target": target[:200]
                }
                self._problems.add(pointer, "broken_ref", detail)

    def follow(self, value: Any, pointer: str) -> Any:
        """Return what a value stands for: itself, or the end of its chain of references.

        A circle, a broken chain and one of more than twenty hops are noted and give `None`.
        """
        seen: list[str] = []
        while isinstance(value, dict) and isinstance(value.get("$ref"), str):
            target = value["$ref"]
            if target in seen or len(seen) >= MAX_HOPS:
                detail = _("These references go round in a circle: %(chain)s") % {
                    "chain": " → ".join([*seen, target])[:300]
                }
                self._problems.add(pointer, "cyclic_ref", detail)
                return None
            seen.append(target)
            value = self._find(target) if target.startswith("#") else _MISSING
            if value is _MISSING:
                return None  # noted by check_all
        return value

    def _find(self, target: str) -> Any:
        return _find(self._document, target)


def resolve(document: dict[str, Any], value: Any, pointer: str) -> tuple[Any, str]:
    """Follow a value's references in a document that was checked; return where they end, and its place.

    A chain that `References.follow` would refuse gives `None`.
    """
    for _hop in range(MAX_HOPS):
        if not isinstance(value, dict) or not isinstance(value.get("$ref"), str):
            return value, pointer
        target = value["$ref"]
        found = _find(document, target) if target.startswith("#") else _MISSING
        if found is _MISSING:
            return None, pointer
        value, pointer = found, unquote(target.removeprefix("#"))
    return None, pointer


def _find(document: dict[str, Any], target: str) -> Any:
    value: Any = document
    for raw in target.removeprefix("#").split("/")[1:]:
        token = unquote(raw).replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and token in value:
            value = value[token]
        elif isinstance(value, list) and token.isdecimal() and int(token) < len(value):
            value = value[int(token)]
        else:
            return _MISSING
    return value


def _references(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str, Any]]:
    """Find every `$ref`, except in examples, whose content is nobody's but the author's."""
    if isinstance(value, dict):
        for key, item in value.items():
            # A schema may have a property named "$ref"; then its value is an object, not a text.
            if key == "$ref" and not isinstance(item, dict):
                yield pointer_to(*path, key), item
            elif key not in {"example", "examples", "default", "enum", "const"}:
                yield from _references(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _references(item, (*path, index))
