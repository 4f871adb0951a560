"""Giving a failed batch another chance."""

from __future__ import annotations

from uuid import UUID

from django.db import connection, transaction

from apps.core import clock
from apps.usage.constants import INBOX_CHANNEL
from apps.usage.enums import BatchStatus
from apps.usage.models import UsageBatch


@transaction.atomic
def requeue_batch(*, batch_id: UUID) -> bool:
    """Put a failed batch back into the inbox; return whether it was failed. Its calls are counted once all the same."""
    batch = UsageBatch.objects.select_for_update().defer("body").get(pk=batch_id)
    if batch.status != BatchStatus.FAILED:
        return False
    batch.status, batch.attempts, batch.available_at = BatchStatus.PENDING, 0, clock.now()
    batch.save(update_fields=["status", "attempts", "available_at", "updated_at"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [INBOX_CHANNEL])
    return True
