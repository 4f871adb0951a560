"""Upkeep of rejected events."""

from __future__ import annotations

from django.db import transaction

from apps.core import clock
from apps.usage.acceptance import accepted_past
from apps.usage.models import RejectedEvent


@transaction.atomic
def forget_rejections() -> int:
    """Delete rejected events older than the accepted window; return how many."""
    until = clock.now() - accepted_past()
    deleted, _by_model = RejectedEvent.objects.filter(created_at__lt=until).delete()
    return deleted
