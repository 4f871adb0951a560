"""Origins of pages: what a browser sends as `Origin`, and how it writes it.

Source: RFC 6454 §6.2; Fetch standard, CORS protocol.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from apps.apis.constants import MAX_CORS_ORIGINS, MAX_ORIGIN_LENGTH_CHARS
from apps.core.exceptions import InvalidInput

ANY_ORIGIN: Final = "*"
FIELD: Final = "cors_origins"
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def clean_origins(origins: Iterable[str]) -> list[str]:
    """Return origins as browsers send them, each once; `*` stands alone.

    Raises:
        InvalidInput: one is no origin, there are too many, or `*` has others beside it.
    """
    cleaned = list(dict.fromkeys(_clean_origin(text) for text in origins))
    if ANY_ORIGIN in cleaned and len(cleaned) > 1:
        raise InvalidInput(_("* stands for every origin, so it stands alone."), field=FIELD)
    if len(cleaned) > MAX_CORS_ORIGINS:
        detail = _("Give at most %(limit)s origins.") % {"limit": MAX_CORS_ORIGINS}
        raise InvalidInput(detail, field=FIELD)
    return cleaned


def _clean_origin(text: str) -> str:
    if text.strip() == ANY_ORIGIN:
        return ANY_ORIGIN
    origin = _normalise(text.strip())
    if origin is None or len(origin) > MAX_ORIGIN_LENGTH_CHARS:
        # Quoted in part: it may be long.
        detail = _("“%(text)s” is not an origin such as https://app.example.com.")
        raise InvalidInput(detail % {"text": text[:80]}, field=FIELD)
    return origin


def _normalise(text: str) -> str | None:
    """Write an origin as browsers do: lower case, ASCII, no default port. None where it is none."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
        ascii_host = f"[{host}]" if ":" in host else host.encode("idna").decode("ascii").lower()
    except ValueError:
        return None
    has_more = parts.username is not None or parts.query or parts.fragment or "?" in text
    if parts.scheme not in _DEFAULT_PORTS or not host or has_more or parts.path not in {"", "/"}:
        return None
    # A label may be what a URL parser lets through and a browser never sends.
    if any(not char.isalnum() and char not in "-._[]:" for char in ascii_host):
        return None
    is_default = port is None or port == _DEFAULT_PORTS[parts.scheme]
    return f"{parts.scheme}://{ascii_host}" + ("" if is_default else f":{port}")
