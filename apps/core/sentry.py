"""Error reports: Sentry's SDK, told the release and the environment, and kept from secrets."""

from __future__ import annotations

from typing import Any

import sentry_sdk
from django.conf import settings
from sentry_sdk.types import Event, Hint

from apps.core.exceptions import DomainError
from apps.core.redaction import redact
from apps.core.request_context import current_request_id

# Members of an event that are identifiers of the SDK's own, not data of ours.
_VERBATIM = frozenset(
    {"event_id", "timestamp", "release", "environment", "platform", "sdk", "modules"}
)
# Calls of the stores name sessions by their keys, which open them.
_STORE_CALLS = frozenset({"redis", "query"})


def init_sentry() -> None:
    """Start reporting if SENTRY_DSN is set; safe to call in every process."""
    if not settings.SENTRY_DSN:
        return
    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        release=settings.RELEASE,
        environment=settings.ENVIRONMENT,
        server_name=settings.NODE_NAME,
        data_collection={
            "user_info": False,
            "cookies": {"mode": "off"},
            "http_bodies": [],
            "database_query_data": False,
            "stack_frame_variables": False,
        },
        before_send=scrub,
        before_breadcrumb=_scrub_breadcrumb,
    )


def scrub(event: Event, hint: Hint) -> Event | None:
    """Drop refusals that callers were told about; remove secrets and people from everything else."""
    error = hint.get("exc_info", (None, None, None))[1]
    if isinstance(error, DomainError):
        return None
    event.pop("user", None)
    kept: dict[str, Any] = {
        key: value if key in _VERBATIM else redact(value, key) for key, value in event.items()
    }
    request_id = current_request_id()
    if request_id:
        kept["tags"] = {**(kept.get("tags") or {}), "request_id": request_id}
    return kept  # type: ignore[return-value]  # an Event with the same members


def _scrub_breadcrumb(crumb: dict[str, Any], _hint: dict[str, Any]) -> dict[str, Any] | None:
    if crumb.get("category") in _STORE_CALLS:
        return None
    scrubbed: dict[str, Any] = redact(crumb)
    return scrubbed
