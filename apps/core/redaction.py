"""What must never reach a log or an error report: credentials, cookies, e-mail addresses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

REMOVED: Final = "[removed]"
_SECRET_NAMES: Final = re.compile(
    r"(authorization|cookie|password|passwd|secret|token|api[_-]?key|subscription[_-]?key|"
    r"session[_-]?id|csrf|pepper|credential|dsn)",
    re.IGNORECASE,
)
# Names that only sound secret.
_HARMLESS_NAMES: Final = frozenset(
    {"token_prefix", "idempotency_key", "token_id", "actor_token_id"}
)
_PATTERNS: Final = (
    re.compile(r"\btgk_(?:live|test)_[A-Za-z0-9_-]+"),  # keys of the gateway
    re.compile(r"\btgt_[A-Za-z0-9_-]+"),  # service tokens
    re.compile(r"\b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]+|\bwhsec_[A-Za-z0-9+/=]+"),  # Stripe
    re.compile(r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"),  # JSON Web Tokens
    re.compile(r"(?i)\b(?:bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"),
    re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"),  # user:password in URLs
    re.compile(r"\b[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"),  # e-mail addresses
)
_NAMED: Final = re.compile(r"(?i)\b((?:password|passwd|secret|token|api_?key)=)[^&\s]+")


def redact_text(text: str) -> str:
    """Return the text with every credential and e-mail address replaced."""
    text = _NAMED.sub(rf"\1{REMOVED}", text)
    for pattern in _PATTERNS:
        text = pattern.sub(REMOVED, text)
    return text


def redact(value: Any, name: str = "") -> Any:
    """Return a copy of nested data without secrets: by the names of members, and by what texts look like."""
    if name and name.lower() not in _HARMLESS_NAMES and _SECRET_NAMES.search(name):
        return value if value is None or isinstance(value, bool | int | float) else REMOVED
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping):
        return {key: redact(item, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redact(item) for item in value]
    return value
