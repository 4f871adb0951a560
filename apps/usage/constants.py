"""Bounds of intake and processing."""

from datetime import timedelta
from typing import Final

MAX_EVENTS_PER_BATCH: Final = 5_000
MAX_BODY_BYTES: Final = 16 * 1024 * 1024  # decompressed
MAX_PATH_LENGTH: Final = 300
MAX_CLOCK_OFFSET_MS: Final = 100 * 366 * 86_400_000  # a century
# Beyond this many unprocessed batches intake answers 503, and the shipper waits.
MAX_PENDING_BATCHES: Final = 2_000
BACK_PRESSURE_RETRY_S: Final = 5
# What the intake page sums up.
INTAKE_SHOWN_FOR: Final = timedelta(hours=24)
# How old an event may be says the setting USAGE_ACCEPTED_PAST_DAYS.
ACCEPTED_FUTURE: Final = timedelta(minutes=5)
MAX_ATTEMPTS: Final = 8
# After this many failures of the whole batch each event is tried alone, so one bad event cannot hold the rest.
ISOLATE_AFTER_ATTEMPTS: Final = 3
INBOX_CHANNEL: Final = "tollgate_usage_inbox"
DEAD_LETTER_SOURCE: Final = "usage.event"
CONFLICT_SOURCE: Final = "usage.conflict"
GATEWAY_SOURCE: Final = "gateway"
PROVIDER_SOURCE: Final = "provider"
PLATFORM_PERMISSION: Final = "usage.write"
# A shipper reports every two seconds, and waits up to thirty when web does not take a batch.
SHIPPER_SILENT_AFTER: Final = timedelta(seconds=60)
# A window closes this long after its end, unless its meter says otherwise.
DEFAULT_WATERMARK_DELAY_S: Final = 300
MAX_WATERMARK_DELAY_S: Final = 7 * 86_400
# Meters of one API that count at the same time.
MAX_METERS: Final = 20
