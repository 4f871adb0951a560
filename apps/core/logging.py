"""Structured logs: one JSON object a line, the same shape from our code, Django, Celery and libraries.

Every line carries the `request_id` of the request, message or job being served, in every process, and nothing
that `redaction` knows to be secret.
"""

from __future__ import annotations

from typing import Any, Final

import structlog
from structlog.typing import EventDict, Processor

from apps.core.redaction import redact
from apps.core.request_context import current_request_id

# Texts that end up in `event` come from our own code; these members are never read for secrets.
_VERBATIM: Final = frozenset({"timestamp", "level", "logger", "request_id"})


def add_request_id(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Name the request, message or job being served.

    Django logs a 404 or 500 after the middleware that keeps the id; its records carry the request instead.
    """
    request = getattr(event.get("_record"), "request", None)
    request_id = current_request_id() or getattr(request, "META", {}).get("HTTP_X_REQUEST_ID")
    if request_id:
        event["request_id"] = request_id
    return event


def redact_event(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Remove secrets from a line."""
    return {
        key: value if key in _VERBATIM or key.startswith("_") else redact(value, key)
        for key, value in event.items()
    }


SHARED: Final[tuple[Processor, ...]] = (
    structlog.contextvars.merge_contextvars,
    add_request_id,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    structlog.processors.format_exc_info,
)


def json_formatter() -> structlog.stdlib.ProcessorFormatter:
    """Return the formatter of every handler; settings.LOGGING names this function."""
    return structlog.stdlib.ProcessorFormatter(
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            redact_event,
            structlog.processors.JSONRenderer(),
        ],
        foreign_pre_chain=SHARED,
    )


def configure_logging() -> None:
    """Send structlog's events through the standard library's handlers, so that all lines look alike."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
