"""Fixed numbers of this app."""

from datetime import timedelta
from typing import Final

MAX_ROTATION_GRACE: Final = timedelta(days=30)
DEFAULT_ROTATION_GRACE: Final = timedelta(days=1)
MAX_LIFETIME: Final = timedelta(days=3650)
MAX_ALLOWED_ADDRESSES: Final = 50
# How long an answer waits for the proof that a revoked key is gone from every authorizer.
REVOCATION_PROOF_WAIT_S: Final = 1.0
