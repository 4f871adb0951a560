"""Outbox topics of this app; their handlers are in `receivers.py`."""

from typing import Final

PDF_TOPIC: Final = "billing.render_invoice"
COLLECT_TOPIC: Final = "billing.collect_invoice"
STRIPE_TOPIC: Final = "billing.sync_stripe_payment"
METHOD_TOPIC: Final = "billing.store_payment_method"
DETACH_TOPIC: Final = "billing.detach_payment_method"
SEND_REFUND_TOPIC: Final = "billing.send_refund"
REFUND_TOPIC: Final = "billing.sync_refund"
CHARGE_TOPIC: Final = "billing.sync_refunds_of_payment"
