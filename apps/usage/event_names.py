"""Other names that senders use for the fields of an event, brought to ours.

What a gateway of another make calls `timestamp` or `response_time_ms` is read as `occurred_at` and `latency_ms`. The
value of `subscription_key` may be a key itself: it is given back apart, and no later step writes it anywhere.

Source: docs/api/usage-events.md §2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from apps.core.redaction import REMOVED, redact_text
from apps.usage.event_schema import EVENT_FIELDS

KEY_FIELD: Final = "subscription_key"
ALIASES: Final[Mapping[str, str]] = {
    "timestamp": "occurred_at",
    "response_time_ms": "latency_ms",
    "status_code": "status",
    "request_size": "request_bytes",
    "response_size": "response_bytes",
    "api_path": "path",
}
# What is kept of an event that was refused: enough to see what was wrong.
MAX_KEPT_CHARACTERS: Final = 4_000
_KEY_VALUE: Final = re.compile(rf'("{KEY_FIELD}"\s*:\s*")(?!(?:key|sub)_[0-9a-z]{{26}}")[^"]*')


class AmbiguousFieldError(ValueError):
    """A field came under both of its names, with two values."""

    def __init__(self, name: str, alias: str) -> None:
        """Keep the alias: it is the field to drop."""
        super().__init__(f"`{alias}` and `{name}` are the same field and differ; send one of them")
        self.alias = alias


@dataclass(slots=True)
class NamedEvent:
    """The fields of an event under our names.

    `named_by` is what stood in `subscription_key`; `used` leads from our name of a field to the one that was sent.
    """

    fields: dict[str, Any]
    named_by: str = ""
    used: dict[str, str] = field(default_factory=dict)


def read_names(data: bytes, *, source: str) -> NamedEvent:
    """Read an event under whatever names it came; what no field is called is dropped.

    Args:
        data: the event as JSON.
        source: where events come from that do not say.

    Raises:
        msgspec.DecodeError: it is no JSON object.
        AmbiguousFieldError: a field came under two names, with two values.
    """
    sent = msgspec.json.decode(data, type=dict[str, Any])
    named = NamedEvent({name: value for name, value in sent.items() if name in EVENT_FIELDS})
    named.fields.setdefault("source", source)
    for alias, name in ALIASES.items():
        if alias not in sent:
            continue
        if named.fields.setdefault(name, sent[alias]) != sent[alias]:
            raise AmbiguousFieldError(name, alias)
        named.used[name] = alias
    key = sent.get(KEY_FIELD)
    if isinstance(key, str):
        named.named_by = key
    return named


def kept_text(data: bytes) -> str:
    """Return an event as it is kept for inspection: without keys and NUL, and bounded."""
    text = data.decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
    return redact_text(_KEY_VALUE.sub(rf"\1{REMOVED}", text))[:MAX_KEPT_CHARACTERS]
