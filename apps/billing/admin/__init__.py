"""The back office's view of billing: everything to read; what may be done is an action that calls a service."""

from apps.billing.admin import (
    ledger,  # noqa: F401 -- registers on import
    refunds,  # noqa: F401 -- as above
)
