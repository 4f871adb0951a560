"""The product's own modules, parsed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
ROOTS = ("apps", "marketplace", "deploy")


@dataclass(frozen=True)
class Source:
    """A module: where it is, what it says."""

    path: str
    text: str
    tree: ast.Module

    @property
    def app(self) -> str:
        """The app it belongs to, or an empty string."""
        parts = self.path.split("/")
        return parts[1] if parts[0] == "apps" and len(parts) > 2 else ""

    @property
    def inner(self) -> str:
        """Its path inside the app."""
        return "/".join(self.path.split("/")[2:])

    @property
    def line_count(self) -> int:
        """How long it is."""
        return len(self.text.splitlines())

    def at(self, node: ast.AST) -> str:
        """Name a place in it."""
        return f"{self.path}:{getattr(node, 'lineno', 0)}"

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Yield every function and method."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node


@cache
def sources() -> tuple[Source, ...]:
    """Return every module but migrations."""
    found = []
    for root in ROOTS:
        for path in sorted((PROJECT / root).rglob("*.py")):
            relative = str(path.relative_to(PROJECT))
            if "migrations" in relative.split("/") or "_migrations/" in relative:
                continue
            text = path.read_text(encoding="utf-8")
            found.append(Source(relative, text, ast.parse(text)))
    return tuple(found)


def app_sources() -> list[Source]:
    """Return the modules of the apps."""
    return [source for source in sources() if source.app]
