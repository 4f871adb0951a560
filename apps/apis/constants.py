"""Numbers and names of this app."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

APPROVAL_SUBJECT: Final = "apis.api"
UPDATE_SUBJECT: Final = "apis.api_update"
VERIFICATION_SUBJECT: Final = "accounts.provider_verification"
MANAGE: Final = "apis.manage"

SLUG_MIN_LENGTH_CHARS: Final = 3
SLUG_MAX_LENGTH_CHARS: Final = 60
MAX_TAGS: Final = 10
MAX_TAG_LENGTH_CHARS: Final = 30
MAX_REQUIRED_HEADERS: Final = 20
MAX_CORS_ORIGINS: Final = 20
MAX_DOMAINS: Final = 5
MAX_ORIGIN_LENGTH_CHARS: Final = 270  # scheme, a host name of 253, and a port
MAX_CALLS_PER_WINDOW: Final = 1_000_000_000
MAX_LOGO_BYTES: Final = 1_048_576
MAX_UPSTREAM_SECRETS: Final = 4  # the gateway's proxy has this many slots
# How many days before an announced end its subscribers are reminded of it, the longest notice first.
SUNSET_REMINDER_DAYS: Final = (30, 7, 1)
# A submission needs a healthy answer that is not older than this; submitting asks for a fresh one.
HEALTH_CHECK_VALID_FOR: Final = timedelta(hours=1)
