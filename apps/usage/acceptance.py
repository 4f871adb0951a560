"""How old an event may be: the setting, as a length of time."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings


def accepted_past() -> timedelta:
    """Return how old an event of a sender other than our own gateway may be."""
    return timedelta(days=settings.USAGE_ACCEPTED_PAST_DAYS)
