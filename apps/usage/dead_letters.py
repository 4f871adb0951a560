"""How usage that was set aside is tried again."""

from __future__ import annotations

from apps.core.actors import Actor
from apps.core.dead_letters import retries
from apps.core.ids import parse_public_id
from apps.core.models import DeadLetter
from apps.usage.ingestion import accept_batch
from apps.usage.models import UsageBatch
from apps.usage.services import requeue_batch

# As the shipper sends it: a platform actor, whose calls are never rejected.
INTAKE = Actor.system("dead letter")


@retries("usage.batch")
def retry_batch(letter: DeadLetter) -> None:
    """Process a failed batch again, with all its attempts."""
    requeue_batch(batch_id=parse_public_id(UsageBatch.id_prefix, letter.reference))


@retries("usage.event")
def retry_event(letter: DeadLetter) -> None:
    """Send an event that could not be placed once more; the id keeps it from being counted twice."""
    body = b'{"events":[' + letter.payload["raw"].encode() + b"]}"
    accept_batch(body=body, batch_key=letter.public_id, actor=INTAKE)
