import gettext
from pathlib import Path

import pytest
from babel.messages.pofile import read_po, write_po

from deploy.local.translations import (
    LANGUAGES,
    catalogue_path,
    check_catalogues,
    collect_messages,
    compile_catalogues,
    update_catalogues,
)

PYTHON = """
from django.utils.translation import gettext as _, ngettext, pgettext_lazy
title = _("Invoices")
state = pgettext_lazy("invoice", "open")
def calls(count):
    return ngettext("%(count)d call", "%(count)d calls", count) % {"count": count}
"""
TEMPLATE = """{% load i18n %}
    <h1>{% translate "Usage" %}</h1>
  <p>it's {% blocktranslate trimmed with name=user.name %}
      Hello {{ name }},
      welcome.
    {% endblocktranslate %}</p>
"""
TRANSLATED = {
    "Invoices": "Facturas",
    "open": "abierta",
    "Usage": "Uso",
    "Hello %(name)s, welcome.": "Hola %(name)s, bienvenido.",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "apps").mkdir()
    (tmp_path / "apps" / "billing.py").write_text(PYTHON)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "usage.html").write_text(TEMPLATE)
    return tmp_path


def translate(project: Path, **changed: str) -> None:
    """Fill every catalogue of the project."""
    texts = {**TRANSLATED, **changed}
    for language in LANGUAGES:
        path = catalogue_path(language, project)
        with path.open("rb") as source:
            catalogue = read_po(source, locale=language)
        for message in catalogue:
            if isinstance(message.id, tuple):
                message.string = ("%(count)d llamada", "%(count)d llamadas")
            elif message.id:
                message.string = texts[str(message.id)]
        with path.open("wb") as target:
            write_po(target, catalogue)


def test_texts_of_python_and_templates_are_collected(project: Path) -> None:
    found = {(message.id, message.context) for message in collect_messages(project) if message.id}
    assert found == {
        ("Invoices", None),
        ("open", "invoice"),
        (("%(count)d call", "%(count)d calls"), None),
        ("Usage", None),
        ("Hello %(name)s, welcome.", None),
    }


def test_missing_catalogue_is_a_problem_of_every_language(project: Path) -> None:
    problem = check_catalogues(project) or ""
    for language in LANGUAGES:
        assert f"{language}: missing: 'Usage' (templates/usage.html)" in problem


def test_untranslated_text_is_a_problem(project: Path) -> None:
    update_catalogues(project)
    assert "es: untranslated: 'Invoices' (apps/billing.py)" in (check_catalogues(project) or "")


def test_translated_catalogues_are_no_problem(project: Path) -> None:
    update_catalogues(project)
    translate(project)
    assert check_catalogues(project) is None


def test_translation_with_another_placeholder_is_a_problem(project: Path) -> None:
    update_catalogues(project)
    translate(project, **{"Hello %(name)s, welcome.": "Hola %(nombre)s."})
    assert "es: wrong (" in (check_catalogues(project) or "")


def test_update_keeps_translations_and_drops_texts_that_are_gone(project: Path) -> None:
    update_catalogues(project)
    translate(project)
    (project / "templates" / "usage.html").unlink()
    update_catalogues(project)
    content = catalogue_path("es", project).read_text()
    assert "Facturas" in content
    assert "Hola" not in content
    assert check_catalogues(project) is None


def test_second_update_changes_nothing(project: Path) -> None:
    update_catalogues(project)
    before = catalogue_path("hi", project).read_text()
    update_catalogues(project)
    assert catalogue_path("hi", project).read_text() == before


def test_compiled_catalogue_is_read_by_gettext(project: Path) -> None:
    update_catalogues(project)
    translate(project)
    compile_catalogues(project)
    spanish = gettext.translation("django", project / "locale", ["es"])
    assert spanish.gettext("Usage") == "Uso"
    assert spanish.pgettext("invoice", "open") == "abierta"
    assert spanish.ngettext("%(count)d call", "%(count)d calls", 3) == "%(count)d llamadas"
