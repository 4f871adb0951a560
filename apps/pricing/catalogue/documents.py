"""From the bytes of a YAML file to plain values that know their lines, whatever the bytes are.

Numbers keep every digit: `0.1` becomes a `Decimal`, never a float. Of YAML 1.1's surprises none is left: `no` is a
text (and Norway), `012` is a text, `1:30` is a text, a date is a text. A small file can stand for billions of values, because
aliases share and nest: values are counted as they are expanded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import yaml
from django.utils.translation import gettext as _

from apps.pricing.catalogue.problems import CatalogueProblem, pointer_to

MAX_FILE_BYTES: Final = 1024 * 1024
MAX_DEPTH: Final = 20
MAX_VALUES: Final = 50_000
MAX_SCALAR_CHARS: Final = 10_000

# The C parser is some ten times faster; both give events and nodes only, and build nothing.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER: Final = re.compile(r"[-+]?(0|[1-9][0-9_]*)")
_NUMBER: Final = re.compile(r"[-+]?(0|[1-9][0-9_]*)?\.?[0-9][0-9_]*([eE][-+]?[0-9]{1,3})?")
_WORDS: Final[dict[str, Any]] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}
# PostgreSQL stores neither NUL nor halves of surrogate pairs.
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


class _UnreadableError(Exception):
    """The file cannot be read any further."""

    def __init__(self, code: str, detail: str, mark: Any = None, pointer: str = "") -> None:
        super().__init__(code)
        self.code, self.detail, self.mark, self.pointer = code, detail, mark, pointer


@dataclass(slots=True)
class Document:
    """A file's values, where each stands, and what is wrong with it so far."""

    file: str
    value: Any = None
    # Line and column, from 1, of what a pointer leads to.
    places: dict[str, tuple[int, int]] = field(default_factory=dict)
    problems: list[CatalogueProblem] = field(default_factory=list)

    def place_of(self, pointer: str) -> tuple[int, int]:
        """Return line and column of a pointer, or of the nearest thing around it that the file has."""
        while pointer and pointer not in self.places:
            pointer = pointer.rpartition("/")[0]
        return self.places.get(pointer, (1, 1))

    def note(self, pointer: str, code: str, detail: str) -> None:
        """Note that something is wrong at a pointer."""
        line, column = self.place_of(pointer)
        self.problems.append(CatalogueProblem(self.file, line, column, pointer, code, str(detail)))


def read_document(file: str, content: bytes) -> Document:
    """Read a YAML (or JSON) file. What is wrong stands in `problems`; then `value` may be None."""
    document = Document(file)
    try:
        node = _compose(_decode(content))
        document.value = None if node is None else _Builder(document).build(node, "", 0)
    except _UnreadableError as error:
        mark = error.mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        document.problems.append(
            CatalogueProblem(file, line, column, error.pointer, error.code, error.detail)
        )
        document.value = None
    return document


def _decode(content: bytes) -> str:
    if len(content) > MAX_FILE_BYTES:
        text = _("The file is larger than %(limit)s KB.") % {"limit": MAX_FILE_BYTES // 1024}
        raise _UnreadableError("too_large", text)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _UnreadableError("not_text", _("The file is not UTF-8 text.")) from None


def _compose(text: str) -> Any:
    """Parse to nodes; what nests too deep is found by the events, before anything recurses."""
    try:
        depth = 0
        for event in yaml.parse(text, Loader=_Loader):
            if getattr(event, "tag", None) is not None:
                raise _UnreadableError("tag", _("Tags (!…) are not read."), event.start_mark)
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    raise _too_deep(event.start_mark)
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
        return yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        reason = str(error.problem or _("it cannot be parsed"))
        text = _("This is not valid YAML: %(reason)s.") % {"reason": reason}
        raise _UnreadableError("not_yaml", text, error.problem_mark) from None
    except (yaml.YAMLError, ValueError) as error:
        reason = getattr(error, "reason", "") or str(error).splitlines()[0]
        text = _("This is not valid YAML: %(reason)s.") % {"reason": reason}
        raise _UnreadableError("not_yaml", text) from None


class _Builder:
    """Builds plain values from nodes, counting them and noting where each stands."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._count = 0

    def build(self, node: Any, pointer: str, depth: int) -> Any:
        self._count += 1
        if self._count > MAX_VALUES:
            text = _("The file has more than %(limit)s values; aliases count each time.")
            raise _UnreadableError("too_many_values", text % {"limit": MAX_VALUES}, node.start_mark)
        if depth > MAX_DEPTH:
            raise _too_deep(node.start_mark)
        mark = node.start_mark
        self._document.places.setdefault(pointer, (mark.line + 1, mark.column + 1))
        if isinstance(node, yaml.MappingNode):
            return dict(self._members(node, pointer, depth))
        if isinstance(node, yaml.SequenceNode):
            return [
                self.build(item, pointer + pointer_to(index), depth + 1)
                for index, item in enumerate(node.value)
            ]
        return _scalar(node, pointer)

    def _members(self, node: Any, pointer: str, depth: int) -> Iterator[tuple[str, Any]]:
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise _UnreadableError("not_a_key", _("A key is a word."), key_node.start_mark)
            key, mark = _UNSTORABLE.sub("", key_node.value), key_node.start_mark
            place = pointer + pointer_to(key)
            if key in lines:
                text = _("“%(key)s” is written twice; the first one stands in line %(line)s.")
                detail = text % {"key": key, "line": lines[key]}
                self._document.problems.append(
                    CatalogueProblem(
                        self._document.file,
                        mark.line + 1,
                        mark.column + 1,
                        place,
                        "duplicate_key",
                        detail,
                    )
                )
                continue
            lines[key] = mark.line + 1
            self._document.places[place] = (mark.line + 1, mark.column + 1)
            yield key, self.build(value_node, place, depth + 1)


def _scalar(node: Any, pointer: str) -> Any:
    text = _UNSTORABLE.sub("", node.value)
    if len(text) > MAX_SCALAR_CHARS:
        raise _UnreadableError("too_long", _("This text is too long."), node.start_mark, pointer)
    if node.style or len(text) > 60:  # quoted, or a block
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text.replace("_", ""))
    if _NUMBER.fullmatch(text) and not re.match(r"[-+]?0[0-9_]", text):
        return Decimal(text.replace("_", ""))
    return text


def _too_deep(mark: Any) -> _UnreadableError:
    text = _("The file nests more than %(limit)s levels deep.") % {"limit": MAX_DEPTH}
    return _UnreadableError("too_deep", text, mark)
