"""What webhooks can tell of: each type has a name, a sentence and an example of its `data`.

An app registers its types in `AppConfig.ready()` and publishes with `apps.notifications.webhooks.publish_webhook`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

NAME: Final = re.compile(r"[a-z][a-z_]*(?:\.[a-z][a-z_]*)+")


@dataclass(frozen=True, slots=True)
class WebhookEventType:
    """A kind of event, for example `api.activated`."""

    name: str
    description: str | Promise
    example: dict[str, Any] = field(hash=False)


TEST_EVENT: Final = WebhookEventType(
    "webhook.test",
    _("Somebody sent a test event; it goes to the chosen endpoint only."),
    {"message": "This is a test event."},
)
_types: dict[str, WebhookEventType] = {}


def register_event_types(*types: WebhookEventType) -> None:
    """Make event types known; a name belongs to one type only.

    Raises:
        ValueError: the name is malformed, or another type has it.
    """
    for kind in types:
        if not NAME.fullmatch(kind.name):
            raise ValueError(f"webhook event type {kind.name!r} must read like 'api.activated'")
        if _types.get(kind.name, kind) != kind:
            raise ValueError(f"webhook event type {kind.name!r} is registered twice")
        _types[kind.name] = kind


def all_event_types() -> list[WebhookEventType]:
    """Return every type by name."""
    return [_types[name] for name in sorted(_types)]


def event_type_of(name: str) -> WebhookEventType:
    """Return a registered type.

    Raises:
        KeyError: nobody registered it.
    """
    return _types[name]


def unknown_event_types(names: Iterable[str]) -> list[str]:
    """Return those of the names that no type has."""
    return sorted(set(names) - _types.keys())
