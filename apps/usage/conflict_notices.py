"""Telling of conflicts: an event whose id came before with another body.

The first one counts and the other is kept. Which of them is right only the sender knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from django.urls import reverse

from apps.accounts.models import Organization
from apps.core import outbox
from apps.core.ids import format_public_id
from apps.notifications.services import Message, notify_members, notify_staff
from apps.usage import notices
from apps.usage.constants import CONFLICT_SOURCE
from apps.usage.models import UsageBatch

CONFLICTS_TOPIC: Final = "usage.conflicts"
READERS: Final = "apis.manage"


def tell_of_conflicts(batch: UsageBatch, event_ids: Sequence[str]) -> None:
    """Have those told who can do something about a batch's conflicts: operators, and a provider for its own events."""
    payload = {
        "batch_id": str(batch.pk),
        "organization_id": str(batch.organization_id) if batch.organization_id else None,
        "count": len(event_ids),
        "event_id": event_ids[0],
    }
    outbox.enqueue(CONFLICTS_TOPIC, payload)


@outbox.handles(CONFLICTS_TOPIC)
def notify_of_conflicts(payload: dict[str, Any]) -> None:
    """Write the notifications; once per batch."""
    batch_id = format_public_id(UsageBatch.id_prefix, UUID(payload["batch_id"]))
    context = {"count": payload["count"], "event_id": payload["event_id"], "batch": batch_id}
    organization = Organization.objects.filter(pk=payload["organization_id"]).first()
    letters = reverse("admin:core_deadletter_changelist")
    notify_staff(
        organization=organization,
        role="operator",
        message=Message(
            kind=notices.EVENT_CONFLICT.name,
            dedupe_key=f"usage-conflict-staff:{batch_id}",
            url=f"{letters}?source={CONFLICT_SOURCE}",
            context=context,
        ),
    )
    if organization is not None:
        notify_members(
            organization=organization,
            permission=READERS,
            message=Message(
                kind=notices.EVENT_CONFLICT.name,
                dedupe_key=f"usage-conflict:{batch_id}",
                url=reverse("usage:intake_batch", args=[batch_id]),
                context=context,
            ),
        )
