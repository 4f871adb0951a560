"""Prometheus text of one authorizer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.gateway.authorizer.tenants import tenant_counts

if TYPE_CHECKING:
    from collections import Counter

    from apps.gateway.authorizer.follower import RegistryFollower
    from apps.gateway.authorizer.histogram import Histogram
    from apps.gateway.authorizer.upstream_guard import UpstreamGuard


def render_metrics(
    decisions: Counter[str],
    follower: RegistryFollower,
    upstreams: UpstreamGuard,
    store_latency: Histogram,
) -> bytes:
    """Return decisions by code, the state of the registry, and what the resolver told of itself."""
    version = follower.head.version if follower.head else -1
    lines = [
        "# HELP tollgate_gateway_decisions_total Answers of the authorizer by code.",
        "# TYPE tollgate_gateway_decisions_total counter",
        *(
            f'tollgate_gateway_decisions_total{{code="{code}"}} {count}'
            for code, count in sorted(decisions.items())
        ),
        *store_latency.lines(
            "tollgate_gateway_store_seconds", "Time in which the counters answered a decision."
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
        "# HELP tollgate_gateway_resolver_up Whether the resolver answers; without it no name is dialled.",
        "# TYPE tollgate_gateway_resolver_up gauge",
        f"tollgate_gateway_resolver_up {int(upstreams.is_resolver_up is True)}",
        "# HELP tollgate_gateway_upstreams_refused Names of upstreams that lead inside.",
        "# TYPE tollgate_gateway_upstreams_refused gauge",
        f"tollgate_gateway_upstreams_refused {len(upstreams.refused_names)}",
        "# HELP tollgate_gateway_resolver_events_total What the resolver did since its start.",
        "# TYPE tollgate_gateway_resolver_events_total counter",
        *(
            f'tollgate_gateway_resolver_events_total{{event="{event}"}} {count}'
            for event, count in sorted(upstreams.resolver_counts.items())
        ),
        *tenant_counts.lines(follower.tables.tenants),
    ]
    return ("\n".join(lines) + "\n").encode()
