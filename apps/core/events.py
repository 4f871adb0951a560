"""Domain events: how a lower app tells higher ones what happened, without knowing them.

An event is a frozen dataclass of ids and values, named in the past tense, defined in `<app>/events.py`. A higher
app registers receivers in `<app>/receivers.py`. By default each receiver gets its own outbox message, so that
one failing receiver delays only itself; `in_transaction=True` calls the receiver at once, in the publisher's
transaction, for effects that must commit together with their cause.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec

from apps.core import outbox
from apps.core.db import require_transaction

EVENT_TOPIC: Final = "core.event"


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainEvent:
    """Base of all events."""


E = TypeVar("E", bound=DomainEvent)


@dataclass(frozen=True, slots=True)
class _Receiver:
    name: str
    event_class: type[DomainEvent]
    function: Callable[[Any], None]
    in_transaction: bool


_by_event: dict[type[DomainEvent], list[_Receiver]] = defaultdict(list)
_by_name: dict[str, _Receiver] = {}


def receives(
    event_class: type[E], *, in_transaction: bool = False
) -> Callable[[Callable[[E], None]], Callable[[E], None]]:
    """Register a receiver. Outbox-delivered receivers must be idempotent."""

    def register(function: Callable[[E], None]) -> Callable[[E], None]:
        name = f"{function.__module__}.{function.__qualname__}"
        receiver = _Receiver(name, event_class, function, in_transaction)
        if name not in _by_name:
            _by_event[event_class].append(receiver)
        _by_name[name] = receiver
        return function

    return register


def publish(event: DomainEvent, *, key: str = "") -> None:
    """Tell every receiver of the event's class; part of the caller's transaction.

    `key` orders deliveries: two events with the same key reach a receiver in the order published.

    Raises:
        TransactionRequiredError: called outside a transaction.
    """
    publish_all([event], key=key)


def publish_all(events: Iterable[DomainEvent], *, key: str = "") -> None:
    """Tell every receiver of each event, in order; part of the caller's transaction. One query for what the outbox delivers.

    Raises:
        TransactionRequiredError: called outside a transaction.
    """
    require_transaction()
    messages = []
    for event in events:
        for receiver in _by_event[type(event)]:
            if receiver.in_transaction:
                receiver.function(event)
                continue
            payload = {"receiver": receiver.name, "event": msgspec.to_builtins(event)}
            message_key = f"{receiver.name}:{key}" if key else ""
            messages.append(outbox.Message(EVENT_TOPIC, payload, key=message_key))
    outbox.enqueue_all(messages)


@outbox.handles(EVENT_TOPIC)
def deliver_event(payload: dict[str, Any]) -> None:
    """Call the receiver that an outbox message names."""
    receiver = _by_name[payload["receiver"]]
    receiver.function(msgspec.convert(payload["event"], receiver.event_class, strict=False))
