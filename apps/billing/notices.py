"""What organizations are told about their bills."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from apps.notifications.kinds import NotificationKind

ISSUED: Final = NotificationKind(
    name="billing.invoice_issued",
    title=_("Invoice %(number)s: %(total)s"),
    body=_("It is due on %(due)s. A saved card is charged automatically."),
    is_important=True,
    action_label=_("Open the invoice"),
)
PAID: Final = NotificationKind(
    name="billing.invoice_paid",
    title=_("Invoice %(number)s is paid"),
    body=_("%(total)s was received."),
    tone="ok",
    is_important=True,
    action_label=_("Open the invoice"),
)
FAILED: Final = NotificationKind(
    name="billing.payment_failed",
    title=_("The payment of invoice %(number)s failed"),
    body=_("%(reason)s Pay it with another card."),
    tone="bad",
    is_important=True,
    is_mandatory=True,
    action_label=_("Pay the invoice"),
)

ALL: Final = (ISSUED, PAID, FAILED)
