"""Which endpoint of an API's documents a path belongs to, so that analytics have as many rows as there are templates."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

_PARAMETER: Final = re.compile(r"\{[^{}/]+\}")


class EndpointTable:
    """The path templates of one API. A literal segment is preferred to a parameter, as OpenAPI demands."""

    def __init__(self, endpoints: Iterable[tuple[str, str]]) -> None:
        """Take pairs of method and template; what comes first wins where two are alike."""
        self._roots: dict[str, _Node] = {}
        for method, template in endpoints:
            self._roots.setdefault(method, _Node()).plant(template)

    def find(self, method: str, path: str) -> str:
        """Return method and template; empty where no document describes the path. HEAD asks for what GET does."""
        root = self._roots.get(method) or self._roots.get("GET" if method == "HEAD" else "")
        found = root.find(path.split("/")[1:]) if root is not None else ""
        return f"{method} {found}" if found else ""


class _Node:
    """What may follow a segment: literal segments, then segments with parameters."""

    def __init__(self) -> None:
        self.literals: dict[str, _Node] = {}
        self.parameters: dict[str, tuple[re.Pattern[str], _Node]] = {}
        self.template = ""

    def plant(self, template: str) -> None:
        node = self
        for segment in template.split("/")[1:]:
            node = node._child(segment)
        node.template = node.template or template

    def _child(self, segment: str) -> _Node:
        if not _PARAMETER.search(segment):
            return self.literals.setdefault(unquote(segment), _Node())
        shape = "[^/]+".join(re.escape(unquote(text)) for text in _PARAMETER.split(segment))
        return self.parameters.setdefault(shape, (re.compile(shape), _Node()))[1]

    def find(self, segments: list[str]) -> str:
        if not segments:
            return self.template
        head, rest = segments[0], segments[1:]
        literal = self.literals.get(head)
        found = literal.find(rest) if literal is not None else ""
        if found:
            return found
        for pattern, node in self.parameters.values():
            if pattern.fullmatch(head) and (found := node.find(rest)):
                return found
        return ""


def path_expression(template: str) -> str:
    """Return the regular expression of the paths that a template describes, for PostgreSQL."""
    return "^" + "[^/]+".join(re.escape(text) for text in _PARAMETER.split(template)) + "$"
