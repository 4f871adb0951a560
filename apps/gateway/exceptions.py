"""Refusals of this app."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.exceptions import Conflict, Unavailable


class EntryAlreadyProven(Conflict):
    """Every serving authorizer has the entry: there is nothing to try again."""

    code = "entry_already_proven"
    title = _("Every authorizer has this entry already")


class AlreadyThrottled(Conflict):
    """The organization is held back already; lift that throttle to set another."""

    code = "already_throttled"
    title = _("This organization is throttled already")


class ThrottleOver(Conflict):
    """The throttle has ended, by itself or by hand: there is nothing to lift."""

    code = "throttle_over"
    title = _("This throttle is over already")


class ReconciliationRunning(Conflict):
    """Another process compares and heals just now; its report will say what it found."""

    code = "reconciliation_running"
    title = _("A reconciliation is running already")


class AuthorizerUnreachable(Unavailable):
    """No authorizer answers on this machine: it does not run, or listens on another one."""

    code = "authorizer_unreachable"
    title = _("No authorizer answers on this machine")
