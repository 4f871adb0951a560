"""What every template may use: the marketplace's name, the chosen theme and languages, the console's frame."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language_info

from apps.core.actors import Actor
from apps.portal.navigation import Shell
from apps.portal.preferences import THEME_COOKIE, Theme


def portal(request: HttpRequest) -> dict[str, Any]:
    """Return the names above; nothing is read from the database before a template asks for it."""
    # Errors raised before the actor's middleware still get their page.
    actor = getattr(request, "actor", None) or Actor.anonymous()
    return {
        "marketplace_name": settings.MARKETPLACE_NAME,
        "support_email": settings.SUPPORT_EMAIL,
        "theme": Theme.parse(request.COOKIES.get(THEME_COOKIE, "")).value,
        "languages": [get_language_info(code) for code, _name in settings.LANGUAGES],
        "shell": Shell(request, actor),
    }
