"""What templates say: whole sentences for translators, dates in one way."""

from __future__ import annotations

import re

from tests.architecture.sources import PROJECT, app_sources

TEMPLATES = sorted((PROJECT / "templates").rglob("*.html"))
PLAIN_DATE = re.compile(r"\|\s*(?:date|time|naturaltime|naturalday)\b")
VALUE = r"(?:<a |<code|<strong|\{\{|\{% (?:when|day|ago|money|unit_price|number|short_id) (?![^%]* as ))"
TEXT = r"\{% translate \"[^\"]*[^\".?!]\" %\}"
END = r"\{% endblocktranslate %\}"
FRAGMENT = re.compile(
    # A text that a value or another text goes on with.
    rf"{TEXT} {VALUE}|{TEXT},? \{{% (?:blocktranslate|translate)|{END},? \{{% translate"
    # A value that a text in lower case goes on with.
    rf"|(?:%|\}})\}} \{{% translate \"[a-z]|(?:%|\}})\}} \{{% blocktranslate[^%]*%\}}[a-z]"
)


def places(pattern: re.Pattern[str]) -> list[str]:
    """Name where templates match, with what matched."""
    return [
        f"{path.relative_to(PROJECT)}: {found.group()}"
        for path in TEMPLATES
        for found in pattern.finditer(path.read_text(encoding="utf-8"))
    ]


def test_templates_write_dates_with_the_tags_of_the_interface() -> None:
    assert places(PLAIN_DATE) == []


def test_code_writes_dates_with_the_formatting_of_the_interface() -> None:
    used = [item.path for item in app_sources() if "date_format(" in item.text]

    assert used == []


def test_no_sentence_is_put_together_from_fragments() -> None:
    assert places(FRAGMENT) == []
