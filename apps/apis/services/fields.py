"""What a provider writes about an API, and how each field is brought into shape."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypedDict

from django.utils.translation import gettext as _

from apps.apis.constants import MAX_CALLS_PER_WINDOW, MAX_TAG_LENGTH_CHARS, MAX_TAGS
from apps.apis.models import HTTP_METHODS, Category
from apps.apis.origins import clean_origins
from apps.core.exceptions import InvalidInput
from apps.core.http_client import validate_url

HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,80}")


class ListingFields(TypedDict, total=False):
    """What a provider writes about an API. A new one needs `name`, `category` and `upstream_url`."""

    name: str
    slug: str
    category: Category
    tags: list[str]
    short_description: str
    description: str
    terms_url: str
    support_email: str
    visibility: str
    upstream_url: str
    allowed_methods: list[str]
    cors_origins: list[str]
    timeout_class: str
    calls_per_second: int | None
    calls_per_minute: int | None
    health_path: str
    health_expected_status: int


def clean_field(name: str, value: Any) -> Any:
    """Return a field's value as it is stored.

    Raises:
        InvalidInput, UnsafeUrl: it cannot be had; the error names the field.
    """
    cleaner = _CLEANERS.get(name)
    if cleaner is not None:
        return cleaner(value)
    return value.strip() if isinstance(value, str) else value


def _clean_upstream(url: str) -> str:
    text = url.strip().rstrip("/")
    if "?" in text or "#" in text:
        raise InvalidInput(_("A base URL has no query and no fragment."), field="upstream_url")
    validate_url(text, field="upstream_url")
    return text


def _clean_tags(tags: list[str]) -> list[str]:
    cleaned = list(dict.fromkeys(tag.strip().lower() for tag in tags if tag.strip()))
    if len(cleaned) > MAX_TAGS or any(len(tag) > MAX_TAG_LENGTH_CHARS for tag in cleaned):
        limits = {"count": MAX_TAGS, "length": MAX_TAG_LENGTH_CHARS}
        detail = _("Use at most %(count)s tags of at most %(length)s characters.") % limits
        raise InvalidInput(detail, field="tags")
    return cleaned


def _clean_methods(methods: list[str]) -> list[str]:
    wanted = {method.upper() for method in methods}
    unknown = wanted - set(HTTP_METHODS)
    if unknown or not wanted:
        detail = _("Choose from: %(methods)s.") % {"methods": ", ".join(HTTP_METHODS)}
        raise InvalidInput(detail, field="allowed_methods")
    return [method for method in HTTP_METHODS if method in wanted]


def _clean_rate(name: str, value: int | None) -> int | None:
    if value is not None and not 1 <= value <= MAX_CALLS_PER_WINDOW:
        limits = {"most": MAX_CALLS_PER_WINDOW}
        detail = _("Choose a number from 1 to %(most)s, or none for no bound.") % limits
        raise InvalidInput(detail, field=name)
    return value


def _clean_path(path: str) -> str:
    return "/" + path.strip().lstrip("/")


_CLEANERS: Final[dict[str, Callable[[Any], Any]]] = {
    "upstream_url": _clean_upstream,
    "tags": _clean_tags,
    "allowed_methods": _clean_methods,
    "cors_origins": clean_origins,
    "calls_per_second": partial(_clean_rate, "calls_per_second"),
    "calls_per_minute": partial(_clean_rate, "calls_per_minute"),
    "health_path": _clean_path,
}
