"""Refusals of this app."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.exceptions import (
    Conflict,
    DomainError,
    InvalidInput,
    NotAuthenticated,
    RuleViolated,
    Unavailable,
)


class KeyLimitReached(Conflict):
    """The subscription has as many keys as its plan allows; `limit` says how many."""

    code = "key_limit_reached"
    title = _("The plan allows no more keys for this subscription")


class SubscriptionNotCallable(Conflict):
    """Keys are issued only for subscriptions that let calls pass."""

    code = "subscription_not_callable"
    title = _("The subscription does not let calls pass now")


class KeyEnded(Conflict):
    """A revoked or expired key stays as it is."""

    code = "key_ended"
    title = _("The key has ended and cannot be changed")


class InvalidKeyTerms(RuleViolated):
    """Expiry, grace or addresses cannot be what was asked for; `field` names it."""

    code = "invalid_key_terms"
    title = _("The key cannot be made like this")


class KeySecretGone(DomainError):  # noqa: N818 -- named for the fact, as HTTP does
    """The text of the key is not kept: it was read, its time was over, or it was shown when the key was made."""

    code = "key_secret_gone"
    status = 410
    title = _("The key cannot be shown")


class ScanReportUnsigned(InvalidInput):
    """A report of leaked keys must be signed; `field` names the header that is missing."""

    code = "scan_report_unsigned"
    title = _("The report is not signed")


class ScanSignatureInvalid(NotAuthenticated):
    """The signature of a report of leaked keys does not fit its body, or names a key that its sender does not publish."""

    code = "scan_signature_invalid"
    title = _("The signature of the report is wrong")


class ScanKeysUnavailable(Unavailable):
    """The public keys of the secret scanning's sender could not be fetched."""

    code = "scan_keys_unavailable"
    title = _("The signature cannot be checked right now")
