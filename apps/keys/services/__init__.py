"""Writes of keys: issuing, changing, rotating and ending them, by hand and by themselves."""

from apps.keys.services.automatic import reveal_key, rotate_due_keys, wipe_unread_keys
from apps.keys.services.changing import (
    activate_key,
    mark_key_sync_failed,
    rename_key,
    resume_key,
    retry_key_sync,
    revoke_key,
    revoke_keys_of_subscription,
    suspend_key,
)
from apps.keys.services.changing_terms import change_key_terms
from apps.keys.services.expiring import expire_due_keys, renew_due_keys
from apps.keys.services.issuing import IssuedKey, KeyTerms, create_key
from apps.keys.services.leaks import change_leak_policy, report_leak
from apps.keys.services.life import KeyLife, change_key_life
from apps.keys.services.noticing import send_due_notices
from apps.keys.services.peppers import rehash_key
from apps.keys.services.rotating import complete_due_rotations, rotate_key
from apps.keys.services.suspicion import look_for_suspicion, resolve_alert
from apps.keys.services.use import KeyUse, note_key_uses

__all__ = [
    "IssuedKey",
    "KeyLife",
    "KeyTerms",
    "KeyUse",
    "activate_key",
    "change_key_life",
    "change_key_terms",
    "change_leak_policy",
    "complete_due_rotations",
    "create_key",
    "expire_due_keys",
    "look_for_suspicion",
    "mark_key_sync_failed",
    "note_key_uses",
    "rehash_key",
    "rename_key",
    "renew_due_keys",
    "report_leak",
    "resolve_alert",
    "resume_key",
    "retry_key_sync",
    "reveal_key",
    "revoke_key",
    "revoke_keys_of_subscription",
    "rotate_due_keys",
    "rotate_key",
    "send_due_notices",
    "suspend_key",
    "wipe_unread_keys",
]
