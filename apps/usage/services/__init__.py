"""Writes of this app."""

from apps.usage.services.archiving import (
    forget_month,
    release_month,
    verify_archive,
    write_archive,
)
from apps.usage.services.batches import requeue_batch
from apps.usage.services.closing import (
    ClosedUsage,
    UsageToClose,
    close_usage,
    close_usages,
    close_windows,
)
from apps.usage.services.export_writing import write_export
from apps.usage.services.exports import (
    ExportWish,
    cancel_export,
    expire_exports,
    request_export,
)
from apps.usage.services.meters import archive_meter, create_meter, update_meter
from apps.usage.services.rejections import forget_rejections
from apps.usage.services.replays import (
    ReplayResult,
    finish_replay,
    give_up_replay,
    record_file_replay,
    request_replay,
)
from apps.usage.services.retention import forget_identities, keep_retention
from apps.usage.services.rewind_requests import (
    apply_dry_run,
    request_rewind,
    resume_rewinds,
    retry_rewind,
)
from apps.usage.services.rewinding import carry_out_rewind
from apps.usage.services.rolling_up import RolledUp, follow_time_zone, roll_up
from apps.usage.services.settling import SettledUsage, settle_usage, waive_late_events
from apps.usage.services.shippers import note_shipper, retire_node

__all__ = (
    "ClosedUsage",
    "ExportWish",
    "ReplayResult",
    "RolledUp",
    "SettledUsage",
    "UsageToClose",
    "apply_dry_run",
    "archive_meter",
    "cancel_export",
    "carry_out_rewind",
    "close_usage",
    "close_usages",
    "close_windows",
    "create_meter",
    "expire_exports",
    "finish_replay",
    "follow_time_zone",
    "forget_identities",
    "forget_month",
    "forget_rejections",
    "give_up_replay",
    "keep_retention",
    "note_shipper",
    "record_file_replay",
    "release_month",
    "request_export",
    "request_replay",
    "request_rewind",
    "requeue_batch",
    "resume_rewinds",
    "retire_node",
    "retry_rewind",
    "roll_up",
    "settle_usage",
    "update_meter",
    "verify_archive",
    "waive_late_events",
    "write_archive",
    "write_export",
)
