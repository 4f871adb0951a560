"""Calls by consumer organization: who is held back, and who is not although somebody else is.

Names of organizations are labels, so only some are shown: those that were held back, and those with most calls.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from apps.gateway.entries import EVERY_TENANT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from apps.gateway.entries import Tenant

SHOWN_THROTTLED: Final = 200
SHOWN_PASSED: Final = 50


class TenantCounts:
    """Of this process, since its start."""

    __slots__ = ("passed", "throttled")

    def __init__(self) -> None:
        """Begin at nothing."""
        self.passed: Counter[str] = Counter()
        self.throttled: Counter[str] = Counter()

    def lines(self, tenants: Mapping[str, Tenant]) -> Iterator[str]:
        """Return Prometheus text: calls let through and held back, and the limits of those that have their own."""
        throttled = dict.fromkeys(org_id for org_id, entry in tenants.items() if entry.limits)
        throttled |= dict.fromkeys(org_id for org_id, _ in self.throttled.most_common())
        held_back = [name for name in throttled if name != EVERY_TENANT][:SHOWN_THROTTLED]
        busiest = [org_id for org_id, _ in self.passed.most_common(SHOWN_PASSED)]
        shown = dict.fromkeys([*held_back, *busiest])
        yield "# HELP tollgate_tenant_throttled_total Calls refused by the limits of a tenant as a whole."
        yield "# TYPE tollgate_tenant_throttled_total counter"
        for org_id in shown:
            count = self.throttled[org_id]
            yield f'tollgate_tenant_throttled_total{{tenant="{org_id}"}} {count}'
        yield "# HELP tollgate_tenant_passed_total Calls that the limits let through."
        yield "# TYPE tollgate_tenant_passed_total counter"
        for org_id in shown:
            yield f'tollgate_tenant_passed_total{{tenant="{org_id}"}} {self.passed[org_id]}'
        yield "# HELP tollgate_tenant_limit_calls What a tenant as a whole may call; * holds for all without limits of their own."
        yield "# TYPE tollgate_tenant_limit_calls gauge"
        for org_id, entry in tenants.items():
            if org_id not in shown and org_id != EVERY_TENANT:
                continue
            for limit in entry.limits:
                labels = f'tenant="{org_id}",window_s="{limit.window_s}",name="{limit.name}"'
                yield f"tollgate_tenant_limit_calls{{{labels}}} {limit.max}"


tenant_counts: Final = TenantCounts()
