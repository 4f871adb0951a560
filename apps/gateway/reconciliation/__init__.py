"""Compares what Postgres wants with registry, authorizers and proxy; reports by kind, heals, says what it could not.

Source: docs/architecture/gateway-sync.md.
"""

from apps.gateway.reconciliation.comparing import Drift, compare
from apps.gateway.reconciliation.run import reconcile

__all__ = ["Drift", "compare", "reconcile"]
