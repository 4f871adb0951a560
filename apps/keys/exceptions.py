"""Refusals of this app."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.exceptions import Conflict, RuleViolated


class KeyLimitReached(Conflict):
    """The subscription has as many keys as its plan allows; `limit` says how many."""

    code = "key_limit_reached"
    title = _("The plan allows no more keys for this subscription")


class SubscriptionNotCallable(Conflict):
    """Keys are issued only for subscriptions that let calls pass."""

    code = "subscription_not_callable"
    title = _("The subscription does not let calls pass now")


class InvalidKeyTerms(RuleViolated):
    """Expiry, grace or addresses cannot be what was asked for; `field` names it."""

    code = "invalid_key_terms"
    title = _("The key cannot be made like this")
