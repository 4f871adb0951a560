"""Calls by consumer organization: who is held back, and who is not although somebody else is.

Names of organizations are labels, so only some are shown: those that were held back, and those with most calls.

The limit of everybody (`tenant:*`) would cost each call one more value in the store, although hardly any tenant comes near
it. So a tenant's calls are first counted here, and in the store only from the moment that they may matter: when they reach
at this authorizer a tenth of the limit's rate. A limit too small for that is counted in the store from the first call.

Source: docs/architecture/gateway.md §4.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Final

from apps.gateway.entries import EVERY_TENANT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Protocol

    from apps.gateway.entries import Tenant

    class Watching(Protocol):
        """The tables, as far as they are told who comes near."""

        default_tenant: Tenant | None
        watched: frozenset[str]


SHOWN_THROTTLED: Final = 200
SHOWN_PASSED: Final = 50
TICK_S: Final = 0.25
# So many authorizers may each leave a tenant uncounted without the limit being passed unseen.
SHARES: Final = 10
# Who came near is counted in the store for a minute longer.
WATCHED_TICKS: Final = round(60 / TICK_S)


class TenantCounts:
    """Of this process, since its start."""

    __slots__ = ("_passed", "_tick", "_watched", "recent", "throttled")

    def __init__(self) -> None:
        """Begin at nothing."""
        # Since the last tick; the calls before it are in `_passed`.
        self.recent: Counter[str] = Counter()
        self.throttled: Counter[str] = Counter()
        self._passed: Counter[str] = Counter()
        self._watched: dict[str, int] = {}
        self._tick = 0

    async def watch(self, tables: Callable[[], Watching]) -> None:
        """Keep the tables told whose calls may come near the limit of everybody, until cancelled."""
        while True:
            await asyncio.sleep(TICK_S)
            self.tick(tables())

    def tick(self, tables: Watching) -> None:
        """End a span of `TICK_S` seconds."""
        recent, self.recent = self.recent, Counter()
        self._passed.update(recent)
        self._tick += 1
        threshold = uncounted_calls(tables.default_tenant)
        if threshold:
            near = (org_id for org_id, count in recent.items() if count >= threshold)
            self._watched |= dict.fromkeys(near, self._tick + WATCHED_TICKS)
        for org_id in [name for name, last in self._watched.items() if last < self._tick]:
            del self._watched[org_id]
        tables.watched = frozenset(self._watched)

    def lines(self, tenants: Mapping[str, Tenant]) -> Iterator[str]:
        """Return Prometheus text: calls let through and held back, and the limits of those that have their own."""
        throttled = dict.fromkeys(org_id for org_id, entry in tenants.items() if entry.limits)
        throttled |= dict.fromkeys(org_id for org_id, _ in self.throttled.most_common())
        held_back = [name for name in throttled if name != EVERY_TENANT][:SHOWN_THROTTLED]
        passed = self._passed + self.recent
        busiest = [org_id for org_id, _ in passed.most_common(SHOWN_PASSED)]
        shown = dict.fromkeys([*held_back, *busiest])
        yield "# HELP tollgate_tenant_throttled_total Calls refused by the limits of a tenant as a whole."
        yield "# TYPE tollgate_tenant_throttled_total counter"
        for org_id in shown:
            count = self.throttled[org_id]
            yield f'tollgate_tenant_throttled_total{{tenant="{org_id}"}} {count}'
        yield "# HELP tollgate_tenant_passed_total Calls that the limits let through."
        yield "# TYPE tollgate_tenant_passed_total counter"
        for org_id in shown:
            yield f'tollgate_tenant_passed_total{{tenant="{org_id}"}} {passed[org_id]}'
        yield "# HELP tollgate_tenant_limit_calls What a tenant as a whole may call; * holds for all without limits of their own."
        yield "# TYPE tollgate_tenant_limit_calls gauge"
        for org_id, entry in tenants.items():
            if org_id not in shown and org_id != EVERY_TENANT:
                continue
            for limit in entry.limits:
                labels = f'tenant="{org_id}",window_s="{limit.window_s}",name="{limit.name}"'
                yield f"tollgate_tenant_limit_calls{{{labels}}} {limit.max}"


def uncounted_calls(default: Tenant | None) -> int:
    """Return how many calls of one span may go uncounted in the store under the limit of everybody; 0: none."""
    limits = default.limits if default else ()
    rates = [limit.max / limit.window_s for limit in limits]
    return int(min(rates) * TICK_S / SHARES) if rates else 0


tenant_counts: Final = TenantCounts()
