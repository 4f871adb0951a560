"""Writes of keys: issuing, changing, rotating and ending them."""

from apps.keys.services.changing import (
    activate_key,
    expire_due_keys,
    mark_key_sync_failed,
    rename_key,
    resume_key,
    revoke_key,
    revoke_keys_of_subscription,
    suspend_key,
)
from apps.keys.services.issuing import IssuedKey, KeyTerms, create_key
from apps.keys.services.rotating import complete_due_rotations, rotate_key
from apps.keys.services.use import note_key_uses

__all__ = [
    "IssuedKey",
    "KeyTerms",
    "activate_key",
    "complete_due_rotations",
    "create_key",
    "expire_due_keys",
    "mark_key_sync_failed",
    "note_key_uses",
    "rename_key",
    "resume_key",
    "revoke_key",
    "revoke_keys_of_subscription",
    "rotate_key",
    "suspend_key",
]
