"""Fixed numbers of this app."""

from datetime import timedelta
from typing import Final

MAX_ROTATION_GRACE: Final = timedelta(days=30)
DEFAULT_ROTATION_GRACE: Final = timedelta(days=1)
MAX_LIFETIME: Final = timedelta(days=3650)
MAX_ALLOWED_ADDRESSES: Final = 50
MAX_ENDPOINTS: Final = 200
MAX_TAGS: Final = 50
MAX_RATE: Final = 1_000_000_000
# How long an answer waits for the proof that a revoked key is gone from every authorizer.
REVOCATION_PROOF_WAIT_S: Final = 1.0

# Automatic rotation: what an owner may choose, when it is told before, and how long the old key stays valid. Longer
# than the default of a rotation by hand, because nobody sits there with the new key.
MAX_ROTATION_DAYS: Final = 365
ROTATION_NOTICE_DAYS: Final = (7, 1)
AUTOMATIC_ROTATION_GRACE: Final = timedelta(days=7)
EXPIRY_NOTICE_DAYS: Final = (7, 3, 1)
# A key is renewed this long before it would end, so that no call is refused while the job is on its way.
RENEWAL_LEAD: Final = timedelta(hours=1)
CREATED_WINDOW: Final = timedelta(hours=24)
ROTATED_WINDOW: Final = timedelta(hours=1)
