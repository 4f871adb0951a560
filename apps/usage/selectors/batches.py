"""Batches, by who sent them."""

from __future__ import annotations

from apps.core.actors import Actor
from apps.core.exceptions import NotFound
from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.usage.models import (
    UsageBatch,
)


def get_batch(actor: Actor, public_id: str) -> UsageBatch:
    """Return a batch that the actor's token sent; a platform token reads every batch.

    Raises:
        NotFound: unknown, or sent by another organization.
    """
    try:
        pk = parse_public_id(UsageBatch.id_prefix, public_id)
    except InvalidPublicIdError:
        raise NotFound from None
    rows = UsageBatch.objects.defer("body").filter(pk=pk)
    if actor.organization_id is not None:
        rows = rows.filter(organization_id=actor.organization_id)
    batch = rows.first()
    if batch is None:
        raise NotFound
    return batch
