"""Secrets that this app hands out: service tokens and invitation links. Only digests are stored."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final
from uuid import UUID

from django.utils.crypto import salted_hmac

SERVICE_TOKEN_PREFIX: Final = "tgt_"  # noqa: S105 -- what every service token starts with
SHOWN_PREFIX_CHARS: Final = 12


def new_service_token() -> str:
    """Return a new token: the prefix and 256 random bits."""
    return f"{SERVICE_TOKEN_PREFIX}{secrets.token_urlsafe(32)}"


def digest_of(credential: str) -> str:
    """Return the digest under which a credential is stored (it holds 256 random or keyed bits)."""
    return hashlib.sha256(credential.encode()).hexdigest()


def invitation_secret(invitation_id: UUID) -> str:
    """Return the secret of an invitation's link.

    It is derived from the server's key, so the mail can be rendered, and rendered again, without the
    secret ever lying in the outbox.
    """
    return salted_hmac("accounts.invitation", str(invitation_id), algorithm="sha256").hexdigest()
