"""Writes of this app."""

from apps.usage.services.batches import requeue_batch
from apps.usage.services.closing import ClosedUsage, close_usage
from apps.usage.services.rejections import forget_rejections
from apps.usage.services.rolling_up import RolledUp, follow_time_zone, roll_up
from apps.usage.services.shippers import note_shipper, retire_node

__all__ = (
    "ClosedUsage",
    "RolledUp",
    "close_usage",
    "follow_time_zone",
    "forget_rejections",
    "note_shipper",
    "requeue_batch",
    "retire_node",
    "roll_up",
)
