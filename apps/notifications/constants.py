"""Numbers of webhooks. The schedule is the one that Standard Webhooks recommends."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

MANAGE_WEBHOOKS: Final = "webhooks.manage"

ENDPOINTS_PER_ORGANIZATION: Final = 10
URL_MAX_CHARS: Final = 500
API_VERSION: Final = "2026-11-01"
API_VERSIONS: Final = (API_VERSION,)

# How long to wait before each attempt, counted from the failure of the one before.
ATTEMPT_WAITS: Final = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=10),
)
MAX_ATTEMPTS: Final = len(ATTEMPT_WAITS)
JITTER_SHARE: Final = 0.1
CALL_TIMEOUT_S: Final = 10.0
# An attempt whose outcome nobody noted by then is made again.
CLAIM_LEASE: Final = timedelta(seconds=60)
CALLS_AT_ONCE: Final = 8
CALLS_AT_ONCE_PER_ENDPOINT: Final = 2
RUN_TIME_LIMIT_S: Final = 45.0
EXCERPT_MAX_BYTES: Final = 1024

SECRET_BYTES: Final = 32
OLD_SECRET_VALID_FOR: Final = timedelta(hours=24)
DISABLED_AFTER_FAILING_FOR: Final = timedelta(days=5)
DELIVERIES_KEPT_FOR: Final = timedelta(days=30)
