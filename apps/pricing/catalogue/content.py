"""What the files of a catalogue say together: each checked, then against each other."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from django.utils.translation import gettext as _

from apps.pricing.catalogue.compiling import CatalogueSettings, check_prices
from apps.pricing.catalogue.documents import MAX_FILE_BYTES, Document, read_document
from apps.pricing.catalogue.problems import CatalogueProblem, refusal_of
from apps.pricing.catalogue.promotions import check_promotion
from apps.pricing.catalogue.schema import defects_of_file
from apps.pricing.exceptions import CatalogueUnreadable

SUFFIXES: Final = (".yaml", ".yml")
MAX_FILES: Final = 100


@dataclass(frozen=True, slots=True)
class Entry:
    """A model or a promotion of the catalogue, and where it stands."""

    definition: dict[str, Any]
    file: str
    line: int
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class CatalogueContent:
    """A catalogue that was read and found good."""

    digest: str
    files: dict[str, str]
    settings: dict[str, Any] = field(default_factory=dict)
    models: dict[str, Entry] = field(default_factory=dict)
    promotions: dict[str, Entry] = field(default_factory=dict)
    # Line and column of each pointer, by file.
    places: dict[str, dict[str, tuple[int, int]]] = field(default_factory=dict)

    def line_of(self, entry: Entry, pointer: str) -> int:
        """Return the line of something inside an entry, or of the entry."""
        line, _column = self.places[entry.file].get(entry.pointer + pointer, (entry.line, 1))
        return line


def files_at(path: Path) -> dict[str, bytes]:
    """Return the catalogue's files by name: a single one, or every YAML file of a directory.

    Raises:
        CatalogueUnreadable: nothing can be read there, or too many files are.
    """
    try:
        if not path.is_dir():
            return {path.name: _bytes_of(path)}
        found = sorted(item for item in path.iterdir() if item.suffix in SUFFIXES)
        if len(found) > MAX_FILES:
            text = _("There are more than %(limit)s files in %(path)s.")
            raise CatalogueUnreadable(text % {"limit": MAX_FILES, "path": path})
        return {item.name: _bytes_of(item) for item in found}
    except OSError as error:
        text = _("%(path)s cannot be read: %(reason)s.")
        reason = error.strerror or type(error).__name__
        raise CatalogueUnreadable(text % {"path": path, "reason": reason}) from None


def digest_of(files: Mapping[str, bytes]) -> str:
    """Return what tells this state of the files from any other."""
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name}\0{len(files[name])}\0".encode())
        digest.update(files[name])
    return digest.hexdigest()


def read_catalogue(files: Mapping[str, bytes]) -> CatalogueContent:
    """Read a catalogue; nothing is saved.

    Raises:
        CatalogueInvalid: `errors` names file, line, column, pointer, code and reason of up to fifty problems.
    """
    documents = [_checked(name, files[name]) for name in sorted(files)]
    _require_good(documents)
    settings = _settings_of(documents)
    models = _entries_of(documents, "pricing_models")
    promotions = _entries_of(documents, "promotions")
    rules = CatalogueSettings.of(settings)
    by_file = {document.file: document for document in documents}
    for entry in models.values():
        for defect in check_prices(entry.definition, rules):
            by_file[entry.file].note(entry.pointer + defect.pointer, defect.code, defect.detail)
    for entry in promotions.values():
        for defect in check_promotion(entry.definition):
            by_file[entry.file].note(entry.pointer + defect.pointer, defect.code, defect.detail)
    _require_good(documents)
    texts = {name: content.decode("utf-8-sig") for name, content in files.items()}
    places = {name: document.places for name, document in by_file.items()}
    return CatalogueContent(digest_of(files), texts, settings, models, promotions, places)


def plain(value: Any) -> Any:
    """Return a definition as JSON holds it: numbers that are not whole become digits as text."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def _bytes_of(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(MAX_FILE_BYTES + 1)  # one more, so that too large a file is seen


def _checked(name: str, content: bytes) -> Document:
    document = read_document(name, content)
    if document.problems:
        return document
    if document.value is None:  # an empty file says nothing
        document.value = {}
    for defect in defects_of_file(document.value):
        document.note(*defect)
    return document


def _require_good(documents: list[Document]) -> None:
    problems: list[CatalogueProblem] = [
        problem for document in documents for problem in document.problems
    ]
    if problems:
        raise refusal_of(problems)


def _settings_of(documents: list[Document]) -> dict[str, Any]:
    """Join the settings of all files; each setting is made once."""
    made: dict[str, tuple[Any, Document]] = {}
    for document in documents:
        for name, value in (document.value.get("settings") or {}).items():
            if name in made:
                first = made[name][1]
                text = _("“%(name)s” is set already in %(file)s.")
                pointer = f"/settings/{name}"
                document.note(pointer, "duplicate", text % {"name": name, "file": first.file})
            else:
                made[name] = (value, document)
    return {name: value for name, (value, _document) in made.items()}


def _entries_of(documents: list[Document], part: str) -> dict[str, Entry]:
    """Return the members of a part by id; an id stands once in all files."""
    entries: dict[str, Entry] = {}
    for document, pointer, definition in _members(documents, part):
        key = definition["id"]
        if key in entries:
            first = entries[key]
            text = _("“%(key)s” stands already in %(file)s, line %(line)s.")
            detail = text % {"key": key, "file": first.file, "line": first.line}
            document.note(f"{pointer}/id", "duplicate", detail)
            continue
        line, _column = document.place_of(pointer)
        entries[key] = Entry(definition, document.file, line, pointer)
    return entries


def _members(
    documents: list[Document], part: str
) -> Iterator[tuple[Document, str, dict[str, Any]]]:
    for document in documents:
        for index, definition in enumerate(document.value.get(part) or ()):
            yield document, f"/{part}/{index}", definition
