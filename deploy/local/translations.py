"""Message catalogues without gettext's programs: collect, compare, compile.

Python sources are read by Babel. Django's templates are first turned into Python-like text by
Django itself, as its own makemessages does.
"""

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

from deploy.local.state import PROJECT

LANGUAGES: Final = ("es", "fr", "hi")
PYTHON_FOLDERS: Final = ("apps", "marketplace")
TEMPLATE_FOLDER: Final = "templates"
TEMPLATE_TYPES: Final = ("*.html", "*.txt")
# Which arguments hold the context ("c"), the singular and the plural.
KEYWORDS: Final = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
COMMENT_TAGS: Final = ("Translators:",)
LINE_WIDTH: Final = 100
REPORTED: Final = 20


def collect_messages(project: Path = PROJECT) -> Catalog:
    """Return every text of sources and templates that asks for a translation."""
    catalog = Catalog(project="Tollgate")
    for path, source in _sources(project):
        location = (str(path.relative_to(project)), 0)
        for _line, message, comments, context in extract(
            "python", io.BytesIO(source.encode()), KEYWORDS, COMMENT_TAGS
        ):
            catalog.add(message, locations=[location], auto_comments=comments, context=context)
    return catalog


def _sources(project: Path) -> Iterator[tuple[Path, str]]:
    """Yield each file with its content as text that reads like Python."""
    for folder in PYTHON_FOLDERS:
        for path in sorted((project / folder).rglob("*.py")):
            yield path, path.read_text(encoding="utf-8")
    for pattern in TEMPLATE_TYPES:
        for path in sorted((project / TEMPLATE_FOLDER).rglob(pattern)):
            text = templatize(path.read_text(encoding="utf-8"), origin=str(path))
            # A template's indentation is not Python's.
            yield path, "".join(f"{line.strip()}\n" for line in text.splitlines())


def update_catalogues(project: Path = PROJECT) -> None:
    """Bring locale/*/LC_MESSAGES/django.po up to date with the sources; keep translations."""
    collected = collect_messages(project)
    for language in LANGUAGES:
        path = catalogue_path(language, project)
        catalogue = _read(path, language)
        created = catalogue.creation_date
        # A guessed translation looks like a finished one; there is none instead.
        catalogue.update(collected, no_fuzzy_matching=True)
        # Otherwise each run would change every file.
        catalogue.creation_date = created
        catalogue.obsolete.clear()
        # Babel's placeholders would stand in every file.
        catalogue.version, catalogue.msgid_bugs_address = "1", ""
        catalogue.last_translator, catalogue.language_team = "Tollgate", language
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as target:
            write_po(target, catalogue, width=LINE_WIDTH, include_lineno=False, sort_by_file=True)
        missing = len(_problems(catalogue, collected))
        print(f"{path.relative_to(project)}: {len(catalogue)} texts, {missing} to do", flush=True)


def check_catalogues(project: Path = PROJECT) -> str | None:
    """Return what is missing in the catalogues, or None when every text is translated."""
    collected = collect_messages(project)
    lines = []
    for language in LANGUAGES:
        problems = _problems(_read(catalogue_path(language, project), language), collected)
        lines += [f"{language}: {problem}" for problem in problems[:REPORTED]]
        if len(problems) > REPORTED:
            lines.append(f"{language}: and {len(problems) - REPORTED} more")
    if lines:
        lines.append("Run `make messages` and fill locale/*/LC_MESSAGES/django.po.")
    return "\n".join(lines) or None


def compile_catalogues(project: Path = PROJECT) -> None:
    """Compile each catalogue that is newer than its compiled form."""
    for source in (project / "locale").glob("*/LC_MESSAGES/*.po"):
        compiled = source.with_suffix(".mo")
        if compiled.exists() and compiled.stat().st_mtime >= source.stat().st_mtime:
            continue
        # Whole or not at all: a running process may read it now.
        draft = compiled.with_suffix(".draft")
        with draft.open("wb") as target:
            write_mo(target, _read(source, source.parts[-3]))
        draft.replace(compiled)


def catalogue_path(language: str, project: Path = PROJECT) -> Path:
    """Return where a language's catalogue is."""
    return project / "locale" / language / "LC_MESSAGES" / "django.po"


def _read(path: Path, language: str) -> Catalog:
    if not path.exists():
        header = f"# Texts of Tollgate, {language}. `make messages` keeps this file up to date."
        return Catalog(locale=language, project="Tollgate", header_comment=header, fuzzy=False)
    with path.open("rb") as source:
        return read_po(source, locale=language)


def _problems(catalogue: Catalog, collected: Catalog) -> list[str]:
    """Return one line for each collected text that the catalogue does not translate."""
    problems = []
    for wanted in collected:
        if not wanted.id:
            continue
        message = catalogue.get(wanted.id, wanted.context)
        problem = "missing" if message is None else _problem(message, catalogue)
        if problem:
            problems.append(f"{problem}: {_label(wanted)!r} ({wanted.locations[0][0]})")
    return problems


def _problem(message: Message, catalogue: Catalog) -> str | None:
    texts = message.string if isinstance(message.string, (list, tuple)) else [message.string]
    if message.fuzzy:
        return "unconfirmed"
    if not all(texts):
        return "untranslated"
    errors = [str(error) for error in message.check(catalogue)]
    return f"wrong ({errors[0]})" if errors else None


def _label(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


if __name__ == "__main__":
    compile_catalogues() if "--compile" in sys.argv else update_catalogues()
