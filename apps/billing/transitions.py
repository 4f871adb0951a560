"""Moves of invoices, payments and refunds."""

from typing import Final

from apps.billing.enums import InvoiceStatus as I
from apps.billing.enums import PaymentStatus as P
from apps.billing.enums import RefundStatus as R
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
REFUND: Final = StateMachine(
    {
        R.REQUESTED: {R.APPROVED, R.REJECTED, R.CANCELLED},
        R.APPROVED: {R.PROCESSING, R.FAILED},
        R.PROCESSING: {R.SUCCEEDED, R.FAILED},
        # A bank can send the money back days after it was given.
        R.SUCCEEDED: {R.FAILED},
        # Finance tries again, under the next key.
        R.FAILED: {R.APPROVED},
    }
)
