"""Writes of this app."""

from apps.usage.services.batches import requeue_batch
from apps.usage.services.closing import ClosedUsage, close_usage
from apps.usage.services.export_writing import write_export
from apps.usage.services.exports import (
    ExportWish,
    cancel_export,
    expire_exports,
    request_export,
)
from apps.usage.services.rejections import forget_rejections
from apps.usage.services.rolling_up import RolledUp, follow_time_zone, roll_up
from apps.usage.services.shippers import note_shipper, retire_node

__all__ = (
    "ClosedUsage",
    "ExportWish",
    "RolledUp",
    "cancel_export",
    "close_usage",
    "expire_exports",
    "follow_time_zone",
    "forget_rejections",
    "note_shipper",
    "request_export",
    "requeue_batch",
    "retire_node",
    "roll_up",
    "write_export",
)
