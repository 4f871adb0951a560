"""Which endpoints a key may call: path templates, compiled to one expression per method.

What does not match a template exactly is refused, because an upstream may read a path more kindly than we do. So a value
in a path has no slash, no encoded slash, no backslash and no percent sign, is no dot segment, and letters count as
they are written. Every expression is tried in time linear in the path, whatever a provider's templates are.

Source: docs/architecture/gateway.md §2.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterable

_PARAMETER: Final = re.compile(r"\{[^{}/]+\}")
# A value begins no dot segment, not even one with parameters that some servers cut off behind a semicolon.
_NO_DOTS: Final = r"(?!\.{1,2}(?:[;/]|$))"
_NOT_IN_VALUES: Final = r"/\\%\x00-\x1f\x7f\ufffd"
_HIDDEN_SLASH: Final = re.compile(r"%(?:2f|5c)|\\", re.IGNORECASE)
# Where a template ends in a tree of segments. A segment that is a dollar sign is written with a backslash.
_END: Final = "$"


class _Tree(dict[str, "_Tree"]):
    """What may follow a segment."""


class Endpoints:
    """The endpoints of one list; everything else is refused."""

    __slots__ = ("_patterns",)

    def __init__(self, endpoints: Iterable[tuple[str, str]]) -> None:
        """Compile pairs of method and path template. What may be read with GET may be asked for with HEAD."""
        trees: dict[str, _Tree] = {}
        for method, template in endpoints:
            for asked in ("GET", "HEAD") if method == "GET" else (method,):
                _plant(trees.setdefault(asked, _Tree()), template)
        self._patterns = {method: re.compile(_write(tree)) for method, tree in trees.items()}

    def allow(self, method: str, path: str, raw: str) -> bool:
        """Tell whether a call names one of the endpoints.

        Args:
            method: as it was sent.
            path: decoded, below the API.
            raw: the target as the upstream gets it, which shows the slashes that decoding made; a call without it is
                refused.
        """
        pattern = self._patterns.get(method)
        if pattern is None or pattern.fullmatch(path) is None:
            return False
        return bool(raw) and _HIDDEN_SLASH.search(raw.partition("?")[0]) is None


@lru_cache(maxsize=256)
def compile_endpoints(endpoints: tuple[tuple[str, str], ...]) -> Endpoints:
    """Return a list of endpoints, compiled; keys and routes with the same list share it."""
    return Endpoints(endpoints)


def _plant(tree: _Tree, template: str) -> None:
    """Add a template segment by segment, so that templates that begin alike are tried as one."""
    for segment in template.split("/")[1:]:
        tree = tree.setdefault(_segment(segment), _Tree())
    tree[_END] = _Tree()


def _write(tree: _Tree) -> str:
    branches = [segment + _write(rest) for segment, rest in tree.items() if segment != _END]
    if not branches:
        return ""
    text = f"/{branches[0]}" if len(branches) == 1 else f"/(?:{'|'.join(branches)})"
    return f"(?:{text})?" if _END in tree else text


def _segment(template: str) -> str:
    """Write one segment of a template as an expression.

    Of several values in a segment each but the last ends where the text behind it begins, so nothing is tried twice.
    """
    first, *texts = (unquote(text) for text in _PARAMETER.split(template))
    parts = [_NO_DOTS if texts else "", re.escape(first)]
    run = 0
    for index, text in enumerate(texts, start=1):
        run += 1
        if index == len(texts):
            parts.append(f"[^{_NOT_IN_VALUES}]{{{run},}}{re.escape(text)}")
        elif text:
            end = re.escape(text[0])
            parts.append(f"[^{_NOT_IN_VALUES}{end}]{{{run},}}+{re.escape(text)}")
            run = 0
    return "".join(parts)
