"""How usage that was set aside is tried again, as it is or after a person has mended it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import msgspec
from django.utils.translation import gettext as _

from apps.core.actors import Actor
from apps.core.dead_letters import retries
from apps.core.exceptions import RuleViolated
from apps.core.ids import parse_public_id
from apps.core.models import DeadLetter
from apps.usage.event_schema import decode_event
from apps.usage.ingestion import accept_batch, event_problem
from apps.usage.models import UsageBatch
from apps.usage.services import requeue_batch

# As the shipper sends it: a platform actor, whose calls are never rejected.
INTAKE = Actor.system("dead letter")


@retries("usage.batch")
def retry_batch(letter: DeadLetter) -> None:
    """Process a failed batch again, with all its attempts."""
    requeue_batch(batch_id=parse_public_id(UsageBatch.id_prefix, letter.reference))


def check_event(letter: DeadLetter, payload: Any) -> dict[str, str]:
    """Return an edited event as it is kept: `{"raw": …}`, for which the event itself may stand, too.

    Raises:
        RuleViolated: intake would not take it.
    """
    raw = payload.get("raw", payload) if isinstance(payload, dict) else payload
    text = raw if isinstance(raw, str) else json.dumps(raw)
    problem = event_problem(text.encode(), actor=_sender_of(letter))
    if problem:
        raise RuleViolated(problem, field="payload")
    return {"raw": text}


def check_conflicting_event(letter: DeadLetter, payload: Any) -> dict[str, str]:
    """Return an edited event as it is kept; it needs an id of its own.

    Raises:
        RuleViolated: intake would not take it, or it has the id of the event that came first.
    """
    checked = check_event(letter, payload)
    _require_new_id(letter, checked["raw"])
    return checked


@retries("usage.event", check=check_event)
def retry_event(letter: DeadLetter) -> None:
    """Send an event that could not be placed once more; the id keeps it from being counted twice.

    Raises:
        RuleViolated: intake still does not take it.
    """
    raw = letter.work["raw"].encode()
    problem = event_problem(raw, actor=_sender_of(letter))
    if problem:
        raise RuleViolated(problem, field="payload")
    body = b'{"events":[' + raw + b"]}"
    accept_batch(body=body, batch_key=letter.public_id, actor=_sender_of(letter))


@retries("usage.conflict", check=check_conflicting_event)
def retry_conflict(letter: DeadLetter) -> None:
    """Send an event whose id was taken under an id of its own.

    Raises:
        RuleViolated: it still has the id of the event that came first.
    """
    _require_new_id(letter, letter.work["raw"])
    retry_event(letter)


def _require_new_id(letter: DeadLetter, raw: str) -> None:
    try:
        event_id = str(decode_event(raw.encode()).id)
    except msgspec.MsgspecError as error:
        raise RuleViolated(str(error), field="payload") from None
    if event_id == letter.reference:
        text = _("The id belongs to the event that came first. Give this one an id of its own.")
        raise RuleViolated(text, field="payload")


def _sender_of(letter: DeadLetter) -> Actor:
    """Return whose event it is: a provider's stays bound to the provider's own APIs."""
    return replace(INTAKE, organization_id=letter.organization_id)
