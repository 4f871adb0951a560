"""States of a key."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import pgettext_lazy


class KeyStatus(TextChoices):
    """Where a key stands."""

    PENDING = "pending", pgettext_lazy("key", "pending")
    ACTIVE = "active", pgettext_lazy("key", "active")
    SUSPENDED = "suspended", pgettext_lazy("key", "suspended")
    ROTATING = "rotating", pgettext_lazy("key", "rotating")
    FAILED_SYNC = "failed_sync", pgettext_lazy("key", "failed to sync")
    REVOKED = "revoked", pgettext_lazy("key", "revoked")
    EXPIRED = "expired", pgettext_lazy("key", "expired")


# Keys that count towards the limit of a subscription.
COUNTED_STATUSES = (
    KeyStatus.PENDING,
    KeyStatus.ACTIVE,
    KeyStatus.SUSPENDED,
    KeyStatus.FAILED_SYNC,
)
# The end of a key, whatever ended it.
ENDED_STATUSES = (KeyStatus.REVOKED, KeyStatus.EXPIRED)
# Calls pass with keys in these states (a pending key is being proven at the gateway).
USABLE_STATUSES = (KeyStatus.PENDING, KeyStatus.ACTIVE, KeyStatus.ROTATING, KeyStatus.FAILED_SYNC)


class KeyEnvironment(TextChoices):
    """Live keys are billed; test keys work only in sandbox accounts."""

    LIVE = "live", pgettext_lazy("key", "live")
    TEST = "test", pgettext_lazy("key", "test")


class Scope(TextChoices):
    """What a key may do: read covers safe methods, write the rest.

    Admin covers both, and the endpoints that the provider keeps for it.
    """

    READ = "read", pgettext_lazy("scope", "read")
    WRITE = "write", pgettext_lazy("scope", "write")
    ADMIN = "admin", pgettext_lazy("scope", "admin")


class NoticeKind(TextChoices):
    """What a notice is about."""

    EXPIRY = "expiry", pgettext_lazy("key notice", "expiry")
    ROTATION = "rotation", pgettext_lazy("key notice", "automatic rotation")


class AlertKind(TextChoices):
    """What an organization did unusually often."""

    CREATED = "created", pgettext_lazy("key alert", "keys made")
    ROTATED = "rotated", pgettext_lazy("key alert", "keys rotated")


class LeakPolicy(TextChoices):
    """What to do with a key that was found in public."""

    REVOKE = "revoke", pgettext_lazy("leak policy", "Revoke it at once")
    NOTIFY = "notify", pgettext_lazy("leak policy", "Tell us only")


class LeakOutcome(TextChoices):
    """What was done about a leaked key."""

    REVOKED = "revoked", pgettext_lazy("leak", "revoked")
    NOTIFIED = "notified", pgettext_lazy("leak", "owner told")
    ENDED = "ended", pgettext_lazy("leak", "it had ended before")
