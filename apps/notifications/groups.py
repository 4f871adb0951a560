"""The groups of messages, as the page of preferences names them."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise

_LABELS: Final[dict[str, tuple[Text, Text]]] = {
    "anomalies": (_("Anomalies"), _("Hours with unusually many or few calls, or failures.")),
    "apis": (_("APIs"), _("Publication, suspension and upstreams that are down.")),
    "approvals": (
        _("Approvals"),
        _("Questions, decisions and comments on what waits for a decision."),
    ),
    "billing": (_("Billing"), _("Invoices and payments.")),
    "gateway": (_("Gateway"), _("Nodes and differences that need an operator.")),
    "keys": (_("Keys"), _("Keys that expire, are rotated or revoked.")),
    "subscriptions": (_("Subscriptions"), _("Subscriptions that start, change and end.")),
    "usage": (_("Usage"), _("Limits and budgets that run low.")),
    "webhooks": (_("Webhooks"), _("Endpoints that were disabled.")),
}


def label_of(group: str) -> Text:
    """Return a group's name; one without a label reads as its own name."""
    return _LABELS[group][0] if group in _LABELS else group.replace("_", " ").capitalize()


def explanation_of(group: str) -> Text:
    """Return what a group is about, or nothing."""
    return _LABELS[group][1] if group in _LABELS else ""
