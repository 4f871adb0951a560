"""From bytes to plain JSON values, whatever the bytes are.

A document may be large, deep, or small and explode: YAML aliases share values, and a few lines can stand for
billions of nodes. So the loaded tree is copied once by a walk that counts nodes and depth, and everything
after works on the copy.
"""

from __future__ import annotations

import json
import re
from datetime import date, datetime
from typing import Any, Final

import yaml
from django.utils.translation import gettext as _

from apps.apis.openapi.problems import pointer_to, refuse

MAX_DOCUMENT_BYTES: Final = 2 * 1024 * 1024
MAX_DEPTH: Final = 60
MAX_NODES: Final = 200_000

# The C loader is some ten times faster; both build plain values only.
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MERGE_TAG: Final = "tag:yaml.org,2002:merge"
# PostgreSQL stores neither NUL nor halves of surrogate pairs.
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


class _BoundedLoader(_SafeLoader):  # type: ignore[misc]  # chosen at run time
    """Counts what merge keys (`<<: *name`) copy while it is parsed: nested ones multiply like aliases."""

    merged = 0

    def flatten_mapping(self, node: Any) -> None:
        """Flatten the merged mappings first, so that what is about to be copied can be counted.

        Raises:
            OpenApiInvalid: more than a document may hold.
        """
        for key, value in node.value:
            if key.tag != _MERGE_TAG:
                continue
            parts = value.value if isinstance(value, yaml.SequenceNode) else [value]
            for part in parts:
                if isinstance(part, yaml.MappingNode):
                    self.flatten_mapping(part)
                    self.merged += len(part.value)
                if self.merged > MAX_NODES:
                    raise _too_complex()
        super().flatten_mapping(node)


def load_document(content: bytes) -> dict[str, Any]:
    """Read JSON or YAML into plain JSON values.

    Raises:
        OpenApiInvalid: too large, too deep, not text, neither JSON nor YAML, or not an object.
    """
    if len(content) > MAX_DOCUMENT_BYTES:
        limit = MAX_DOCUMENT_BYTES // (1024 * 1024)
        raise refuse("too_large", _("The document is larger than %(limit)s MB.") % {"limit": limit})
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise refuse("not_text", _("The document is not UTF-8 text.")) from None
    try:
        loaded = _parse(text)
        document = _Copier().copy(loaded)
    except RecursionError:
        raise _too_deep("") from None
    if not isinstance(document, dict):
        raise refuse(
            "wrong_type", _("An OpenAPI document is an object with “openapi”, “info” and “paths”.")
        )
    return document


def _parse(text: str) -> Any:
    if text.lstrip()[:1] in {"{", "["}:
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            place = {"line": error.lineno, "column": error.colno}
            detail = _("This is not valid JSON: line %(line)s, column %(column)s.") % place
            raise refuse("not_json", detail) from None
        except ValueError:  # a number of thousands of digits
            raise refuse("not_json", _("This is not valid JSON.")) from None
    try:
        return yaml.load(text, Loader=_BoundedLoader)  # noqa: S506 -- a safe loader, with or without C
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = {"line": mark.line + 1 if mark else 1, "column": mark.column + 1 if mark else 1}
        detail = _("This is neither JSON nor YAML: line %(line)s, column %(column)s.") % place
        raise refuse("not_yaml", detail) from None
    except (yaml.YAMLError, ValueError, TypeError):
        raise refuse("not_yaml", _("This is neither JSON nor YAML.")) from None


class _Copier:
    """Copies a tree into plain JSON values, counting on the way."""

    def __init__(self) -> None:
        self._nodes = 0

    def copy(self, value: Any, path: tuple[str | int, ...] = ()) -> Any:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise _too_complex()
        if len(path) > MAX_DEPTH:
            raise _too_deep(pointer_to(*path))
        if isinstance(value, dict):
            # YAML reads the keys of `responses:` as numbers; in JSON they are text.
            return {
                _storable(str(key)): self.copy(item, (*path, str(key)))
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [self.copy(item, (*path, index)) for index, item in enumerate(value)]
        if isinstance(value, datetime | date):
            return value.isoformat()
        if value is None or isinstance(value, str | int | float | bool):
            return _storable(value)
        raise refuse("not_json", _("This value has no JSON form."), pointer_to(*path))


def _storable(value: Any) -> Any:
    """Drop what PostgreSQL cannot store, and numbers that JSON cannot write."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("", value)
    if isinstance(value, float) and (value != value or value in {float("inf"), float("-inf")}):  # noqa: PLR0124 -- NaN
        return None
    return value


def _too_complex() -> Exception:
    detail = _("The document has more than %(limit)s values.") % {"limit": MAX_NODES}
    return refuse("too_complex", detail)


def _too_deep(pointer: str) -> Exception:
    detail = _("The document is nested more than %(limit)s levels deep.") % {"limit": MAX_DEPTH}
    return refuse("too_deep", detail, pointer)
