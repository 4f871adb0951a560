"""What counts as a word, in listings and in what people search for."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

SEARCH_CONFIG: Final = "simple"
MAX_SEARCH_WORDS: Final = 8
MAX_WORD_LENGTH: Final = 40
_WORD: Final = re.compile(r"[^\W_]+")


def words_of(text: str) -> list[str]:
    """Return the words that are searched: lower case, the first eight, each once."""
    found = (word[:MAX_WORD_LENGTH] for word in _WORD.findall(text.lower()))
    return list(dict.fromkeys(found))[:MAX_SEARCH_WORDS]


def without_accents(word: str) -> str:
    """Return a word as somebody types it who has no accents at hand."""
    parts = unicodedata.normalize("NFKD", word)
    return "".join(part for part in parts if not unicodedata.combining(part))


def prefix_query(words: list[str]) -> str:
    """Return the text of a `tsquery`: every word, with or without its accents, begins a word.

    Only letters and digits reach it, so no operator of its language can.
    """
    return " & ".join(_alternatives(word) for word in words)


def _alternatives(word: str) -> str:
    forms = dict.fromkeys((word, without_accents(word)))
    return "(" + " | ".join(f"'{form}':*" for form in forms if form) + ")"
