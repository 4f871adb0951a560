"""Refusals of this app."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.exceptions import Conflict


class UsageNotComplete(Conflict):
    """Calls of the period may still be on their way."""

    code = "usage_not_complete"
    title = _("Calls of this period may still be on their way")


class NoRunningPeriod(Conflict):
    """The subscription has not begun or has ended, so nothing is counted."""

    code = "no_running_period"
    title = _("The subscription has no running period")


class NodeStillReports(Conflict):
    """The node's shipper was heard within the last minute: stop it first."""

    code = "node_still_reports"
    title = _("The node still reports")


class NodeRetired(Conflict):
    """The node was retired before; it is in service again as soon as it reports."""

    code = "node_retired"
    title = _("The node is retired already")
