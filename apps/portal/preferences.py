"""What a browser remembers about its reader: the theme. The language's cookie is Django's own."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

THEME_COOKIE: Final = "theme"
THEME_COOKIE_AGE_S: Final = 31_536_000


class Theme(StrEnum):
    """Light, dark, or as the system says."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"

    @classmethod
    def parse(cls, text: str) -> Theme:
        """Return the theme of that name; anything else follows the system."""
        return next((theme for theme in cls if theme.value == text), cls.SYSTEM)
