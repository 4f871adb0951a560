"""An API's address: the first path segment at the gateway and the last in the catalogue."""

from __future__ import annotations

import re
from typing import Final

from django.utils.text import slugify
from django.utils.translation import gettext as _

from apps.apis.constants import SLUG_MAX_LENGTH_CHARS, SLUG_MIN_LENGTH_CHARS
from apps.apis.exceptions import SlugRefused
from apps.apis.models import Api

# What the gateway, the portal, or a newcomer would take for a part of the product.
RESERVED: Final = frozenset(
    {
        "about", "accounts", "admin", "api", "apis", "auth", "authorizer", "backoffice", "billing", "blog",
        "categories", "console", "docs", "events", "gateway", "health", "healthz", "help", "internal", "keys",
        "legal", "live", "login", "logout", "marketplace", "media", "metrics", "new", "oauth", "openapi",
        "ping", "portal", "pricing", "privacy", "problems", "provider", "public", "ready", "register",
        "robots", "root", "schema", "search", "security", "settings", "signup", "sitemap", "static",
        "status", "support", "system", "terms", "test", "tollgate", "user", "users", "version", "webhooks",
        "well-known", "www",
    }
)  # fmt: skip
_SHAPE: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
FALLBACK: Final = "my-api"


def validate_slug(slug: str) -> str:
    """Return the slug if an API may have it.

    Raises:
        SlugRefused: reserved, too short or long, or other characters than a-z, 0-9 and single hyphens.
    """
    if not SLUG_MIN_LENGTH_CHARS <= len(slug) <= SLUG_MAX_LENGTH_CHARS:
        limits = {"least": SLUG_MIN_LENGTH_CHARS, "most": SLUG_MAX_LENGTH_CHARS}
        raise SlugRefused(_("Use %(least)s to %(most)s characters.") % limits, field="slug")
    if not _SHAPE.fullmatch(slug):
        detail = _("Use lower-case letters, digits and single hyphens, starting with a letter.")
        raise SlugRefused(detail, field="slug")
    if slug in RESERVED:
        raise SlugRefused(_("“%(slug)s” is reserved.") % {"slug": slug}, field="slug")
    return slug


def suggest_slug(name: str) -> str:
    """Return a free slug made from a name: `weather`, else `weather-2`, `weather-3` …"""
    base = slugify(name)[: SLUG_MAX_LENGTH_CHARS - 5].strip("-")
    if not _SHAPE.fullmatch(base) or len(base) < SLUG_MIN_LENGTH_CHARS or base in RESERVED:
        base = f"{base}-api" if _SHAPE.fullmatch(f"{base}-api") else FALLBACK
    taken = set(Api.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    number, slug = 1, base
    while slug in taken:
        number += 1
        slug = f"{base}-{number}"
    return slug
