"""The outbox: what must happen after a commit, written in it and delivered at least once.

A service calls `enqueue` inside its transaction. The relay (`apps.core.relay`) claims messages, calls the
handler registered for the topic and marks the message delivered. Handlers are idempotent, since a relay that
dies between the handler and the mark delivers again. After `MAX_ATTEMPTS` the message becomes a dead letter.

Source: docs/adr/0007-outbox.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import connection

from apps.core import clock
from apps.core.db import require_transaction
from apps.core.models import OutboxMessage
from apps.core.request_context import current_request_id

CHANNEL: Final = "tollgate_outbox"
MAX_ATTEMPTS: Final = 12

Handler = Callable[[dict[str, Any]], None]
_handlers: dict[str, Handler] = {}


def enqueue(
    topic: str, payload: dict[str, Any], *, key: str = "", delay: timedelta = timedelta(0)
) -> OutboxMessage:
    """Write a message in the caller's transaction and wake the relay when it commits.

    Messages with the same non-empty `key` are delivered one after the other, in this order. `delay` keeps
    a message, and those of its key that come after it, back for that long.

    Raises:
        TransactionRequiredError: called outside a transaction.
        KeyError: no handler is registered for the topic.
    """
    return enqueue_all([Message(topic, payload, key=key, delay=delay)])[0]


@dataclass(frozen=True, slots=True)
class Message:
    """What `enqueue` takes, as one of many."""

    topic: str
    payload: dict[str, Any]
    key: str = ""
    delay: timedelta = timedelta(0)


def enqueue_all(messages: Sequence[Message]) -> list[OutboxMessage]:
    """Write messages in the caller's transaction, in order, and wake the relay when it commits. Two queries, whatever their number.

    Raises:
        TransactionRequiredError: called outside a transaction.
        KeyError: no handler is registered for a topic.
    """
    require_transaction()
    for message in messages:
        if message.topic not in _handlers:
            msg = f"no handler for outbox topic {message.topic!r}"
            raise KeyError(msg)
    if not messages:
        return []
    rows = OutboxMessage.objects.bulk_create(
        OutboxMessage(
            topic=message.topic,
            key=message.key,
            payload=message.payload,
            request_id=current_request_id(),
            available_at=clock.now() + message.delay,
        )
        for message in messages
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])  # sent by PostgreSQL on commit
    return rows


def handles(topic: str) -> Callable[[Handler], Handler]:
    """Register the function that delivers messages of a topic. Each topic has exactly one."""

    def register(handler: Handler) -> Handler:
        if topic in _handlers and _handlers[topic] is not handler:
            msg = f"outbox topic {topic!r} has a handler already"
            raise RuntimeError(msg)
        _handlers[topic] = handler
        return handler

    return register


def handler_for(topic: str) -> Handler:
    """Return the handler of a topic.

    Raises:
        KeyError: no such topic.
    """
    return _handlers[topic]
