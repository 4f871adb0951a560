"""Stripe's resources; importing this package fills the table of operations."""

from deploy.local.stripe_fake.resources import (
    accounts,
    balance,
    charges,
    checkout,
    customers,
    disputes,
    events,
    payment_intents,
    payment_methods,
    portal,
    refunds,
    setup_intents,
    webhook_endpoints,
)

__all__ = [
    "accounts",
    "balance",
    "charges",
    "checkout",
    "customers",
    "disputes",
    "events",
    "payment_intents",
    "payment_methods",
    "portal",
    "refunds",
    "setup_intents",
    "webhook_endpoints",
]
