"""Moves of invoices and payments."""

from typing import Final

from apps.billing.enums import InvoiceStatus as I
from apps.billing.enums import PaymentStatus as P
from apps.core.transitions import StateMachine

INVOICE: Final = StateMachine(
    {
        I.DRAFT: {I.OPEN},
        I.OPEN: {I.PAID, I.VOID, I.UNCOLLECTIBLE},
        I.UNCOLLECTIBLE: {I.PAID},
    }
)
PAYMENT: Final = StateMachine(
    {
        P.PENDING: {P.PROCESSING, P.CANCELLED},
        P.PROCESSING: {P.REQUIRES_ACTION, P.SUCCEEDED, P.FAILED, P.CANCELLED},
        P.REQUIRES_ACTION: {P.PROCESSING, P.SUCCEEDED, P.FAILED, P.CANCELLED},
        P.SUCCEEDED: {P.REFUNDED, P.PARTIALLY_REFUNDED, P.DISPUTED},
        P.PARTIALLY_REFUNDED: {P.REFUNDED, P.DISPUTED},
    }
)
