"""Writes of this app."""

from apps.usage.services.batches import requeue_batch
from apps.usage.services.closing import ClosedUsage, close_usage

__all__ = ("ClosedUsage", "close_usage", "requeue_batch")
