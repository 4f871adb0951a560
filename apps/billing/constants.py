"""Numbers of this app."""

from datetime import timedelta
from decimal import Decimal
from typing import Final

# A period is closed this long after its end, so that meters' watermarks have passed.
WATERMARK_DELAY: Final = timedelta(minutes=5)
DUE_AFTER: Final = timedelta(days=14)
MARKETPLACE_FEE_PERCENT: Final = Decimal(20)
PAYABLE_AFTER: Final = timedelta(days=7)
LIVE_SERIES: Final = "invoices"
SANDBOX_SERIES: Final = "sandbox-invoices"
LIVE_CREDIT_SERIES: Final = "credit-notes"
SANDBOX_CREDIT_SERIES: Final = "sandbox-credit-notes"
SERIES_PREFIX: Final = {
    LIVE_SERIES: "INV-",
    SANDBOX_SERIES: "TEST-",
    LIVE_CREDIT_SERIES: "CN-",
    SANDBOX_CREDIT_SERIES: "TEST-CN-",
}
REFUND_SUBJECT: Final = "billing.refund"
REFUND_REASON_MAX_LENGTH_CHARS: Final = 1000
