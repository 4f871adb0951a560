"""Prometheus text of one authorizer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections import Counter

    from apps.gateway.authorizer.follower import RegistryFollower


def render_metrics(decisions: Counter[str], follower: RegistryFollower) -> bytes:
    """Return decisions by code, and the state of the registry."""
    version = follower.head.version if follower.head else -1
    lines = [
        "# HELP tollgate_gateway_decisions_total Answers of the authorizer by code.",
        "# TYPE tollgate_gateway_decisions_total counter",
        *(
            f'tollgate_gateway_decisions_total{{code="{code}"}} {count}'
            for code, count in sorted(decisions.items())
        ),
        "# HELP tollgate_gateway_registry_version Version of the registry in memory.",
        "# TYPE tollgate_gateway_registry_version gauge",
        f"tollgate_gateway_registry_version {version}",
        "# HELP tollgate_gateway_registry_entries Entries in memory.",
        "# TYPE tollgate_gateway_registry_entries gauge",
        f"tollgate_gateway_registry_entries {len(follower.tables)}",
        "# HELP tollgate_gateway_lease_seconds Time for which the node may still serve.",
        "# TYPE tollgate_gateway_lease_seconds gauge",
        f"tollgate_gateway_lease_seconds {follower.lease.seconds_left:.3f}",
    ]
    return ("\n".join(lines) + "\n").encode()
