"""Usage events: how long they are kept, and how old they may come."""

from __future__ import annotations

from marketplace.settings.env import env_int

USAGE_EVENTS_KEPT_MONTHS = env_int("USAGE_EVENTS_KEPT_MONTHS", 13, minimum=2)
USAGE_ARCHIVE_AFTER_MONTHS = env_int("USAGE_ARCHIVE_AFTER_MONTHS", 0, minimum=0)
USAGE_EXPORT_MAX_ROWS = env_int("USAGE_EXPORT_MAX_ROWS", 2_000_000, minimum=1)
USAGE_EXPORT_MAX_MB = env_int("USAGE_EXPORT_MAX_MB", 1024, minimum=1)
USAGE_EXPORT_DAYS = env_int("USAGE_EXPORT_DAYS", 7, minimum=1)
# Events of senders other than our own gateway may be so many days old; older ones are rejected.
USAGE_ACCEPTED_PAST_DAYS = env_int("USAGE_ACCEPTED_PAST_DAYS", 35, minimum=1)
