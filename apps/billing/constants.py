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
SERIES_PREFIX: Final = {LIVE_SERIES: "INV-", SANDBOX_SERIES: "TEST-"}
