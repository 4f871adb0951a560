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
REFUNDED: Final = NotificationKind(
    name="billing.refunded",
    title=_("%(amount)s of invoice %(number)s goes back to you"),
    body=_(
        "Your bank shows it in 5 to 10 days. Credit note %(credit_note)s is the document for it."
    ),
    tone="ok",
    is_important=True,
    action_label=_("Open the credit note"),
)
REFUND_FAILED: Final = NotificationKind(
    name="billing.refund_failed",
    title=_("The refund of %(amount)s for invoice %(number)s could not be paid"),
    body=_("%(reason)s We look at it and try again; you need not ask again."),
    tone="bad",
    is_important=True,
    action_label=_("Open the invoice"),
)
REFUND_STUCK: Final = NotificationKind(
    name="billing.refund_stuck",
    title=_("A refund of %(amount)s failed: invoice %(number)s of %(organization)s"),
    body=_("%(reason)s Try it again in the back office."),
    tone="bad",
    is_important=True,
    action_label=_("Open the refund"),
)
EARNINGS_REVERSED: Final = NotificationKind(
    name="billing.earnings_reversed",
    title=_("%(amount)s was taken back from your earnings"),
    body=_(
        "A consumer got money back for calls of your APIs. Credit note %(credit_note)s names the lines."
    ),
    tone="warn",
    is_important=True,
    action_label=_("Open the ledger"),
)

ALL: Final = (
    ISSUED,
    PAID,
    FAILED,
    REFUNDED,
    REFUND_FAILED,
    REFUND_STUCK,
    EARNINGS_REVERSED,
)
