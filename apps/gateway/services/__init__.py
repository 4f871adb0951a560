"""Writes of the gateway's Django half: what the registry should hold."""

from apps.gateway.services.wanting import (
    entry_of,
    want_entry,
    want_every_entry,
    want_key,
    want_route,
    want_subscription,
    want_subscriptions_of,
    want_tenant,
)

__all__ = [
    "entry_of",
    "want_entry",
    "want_every_entry",
    "want_key",
    "want_route",
    "want_subscription",
    "want_subscriptions_of",
    "want_tenant",
]
