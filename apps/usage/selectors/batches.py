"""Batches and rejected events, by who sent them."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from apps.core.actors import Actor
from apps.core.exceptions import InvalidInput, NotFound
from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.usage.enums import BatchStatus, RejectionCode
from apps.usage.models import RejectedEvent, UsageBatch


def batches_of(actor: Actor, *, status: str = "") -> QuerySet[UsageBatch]:
    """Return the batches that the actor's organization sent, without their bodies; a platform token reads all.

    Raises:
        InvalidInput: no such status.
    """
    rows = UsageBatch.objects.defer("body")
    if actor.organization_id is not None:
        rows = rows.filter(organization_id=actor.organization_id)
    if not status:
        return rows
    if status not in BatchStatus.values:
        raise InvalidInput(f"`status` is one of {', '.join(BatchStatus.values)}", field="status")
    return rows.filter(status=status)


def get_batch(actor: Actor, public_id: str) -> UsageBatch:
    """Return a batch that the actor's organization sent; a platform token reads every batch.

    Raises:
        NotFound: unknown, or sent by another organization.
    """
    batch = batches_of(actor).filter(pk=_batch_pk(public_id)).first()
    if batch is None:
        raise NotFound
    return batch


def rejections_of(
    actor: Actor, *, code: str = "", batch_id: str = "", event_id: str = ""
) -> QuerySet[RejectedEvent]:
    """Return the events of the actor's organization that were not taken; a platform token reads all.

    Raises:
        InvalidInput: no such code.
        NotFound: `batch_id` is no batch's id.
    """
    rows = RejectedEvent.objects.all()
    if actor.organization_id is not None:
        rows = rows.filter(organization_id=actor.organization_id)
    if code and code not in RejectionCode.values:
        raise InvalidInput(f"`code` is one of {', '.join(RejectionCode.values)}", field="code")
    if code:
        rows = rows.filter(code=code)
    if batch_id:
        rows = rows.filter(batch_id=_batch_pk(batch_id))
    if event_id:
        rows = rows.filter(event_id=event_id)
    return rows


def _batch_pk(public_id: str) -> UUID:
    try:
        return parse_public_id(UsageBatch.id_prefix, public_id)
    except InvalidPublicIdError:
        raise NotFound from None
