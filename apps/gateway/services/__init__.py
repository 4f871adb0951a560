"""Writes of the gateway's Django half: what the registry should hold."""

from apps.gateway.services.explaining import explain_decision
from apps.gateway.services.recomputing import want_every_entry
from apps.gateway.services.retrying import retry_entry
from apps.gateway.services.throttling import apply_throttle, lift_throttle
from apps.gateway.services.wanting import (
    entry_of,
    want_default_tenant,
    want_entry,
    want_key,
    want_limited_keys_of,
    want_route,
    want_subscription,
    want_subscriptions_of,
    want_tenant,
)

__all__ = [
    "apply_throttle",
    "entry_of",
    "explain_decision",
    "lift_throttle",
    "retry_entry",
    "want_default_tenant",
    "want_entry",
    "want_every_entry",
    "want_key",
    "want_limited_keys_of",
    "want_route",
    "want_subscription",
    "want_subscriptions_of",
    "want_tenant",
]
