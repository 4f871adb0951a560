"""Whose calls are counted in the store for the limit of everybody: those that may come near it, and no others."""

from __future__ import annotations

from apps.gateway.authorizer.tables import Tables
from apps.gateway.authorizer.tenants import WATCHED_TICKS, TenantCounts, uncounted_calls
from apps.gateway.entries import (
    EVERY_TENANT,
    Key,
    RateLimit,
    Subscription,
    Tenant,
    delete_entry,
    set_entry,
)


def default(limit: int, window_s: int = 1) -> Tenant:
    return Tenant(limits=(RateLimit("tenant", limit, window_s),))


def tables_with(tenant: Tenant | None, *org_ids: str) -> Tables:
    tables = Tables()
    if tenant is not None:
        tables.apply([set_entry(EVERY_TENANT, tenant)])
    for org_id in org_ids:
        sub_id = f"sub_{org_id}"
        key = Key(key_id=f"key_{org_id}", sub_id=sub_id, org_id=org_id, workspace_id="ws")
        subscription = Subscription(
            api_id="api",
            consumer_org_id=org_id,
            workspace_id="ws",
            provider_org_id="org_provider",
            plan_id="pln",
        )
        tables.apply([set_entry(org_id, key), set_entry(sub_id, subscription)])
    return tables


def is_counted(tables: Tables, org_id: str) -> bool:
    grant = tables.find_grant([org_id])
    assert grant is not None
    return grant.tenant is not None


def test_the_rate_of_a_tenth_may_go_uncounted() -> None:
    assert uncounted_calls(default(1000)) == 25
    assert uncounted_calls(default(60_000, 60)) == 25
    assert uncounted_calls(default(39)) == 0
    assert uncounted_calls(None) == 0
    both = Tenant(limits=(*default(1000).limits, RateLimit("tenant-minute", 6_000, 60)))
    assert uncounted_calls(both) == 2


def test_only_tenants_that_come_near_are_counted_and_for_a_minute() -> None:
    tables, counts = tables_with(default(1000), "noisy", "quiet"), TenantCounts()
    counts.recent.update({"noisy": 25, "quiet": 24})
    assert not is_counted(tables, "noisy")

    counts.tick(tables)
    assert (is_counted(tables, "noisy"), is_counted(tables, "quiet")) == (True, False)
    for _ in range(WATCHED_TICKS):
        counts.tick(tables)
    assert is_counted(tables, "noisy")
    counts.tick(tables)
    assert not is_counted(tables, "noisy")


def test_a_small_limit_is_counted_from_the_first_call() -> None:
    assert is_counted(tables_with(default(10, 60), "one"), "one")


def test_without_a_limit_for_everybody_nothing_is_counted() -> None:
    tables = tables_with(None, "one")
    assert not is_counted(tables, "one")
    tables.apply([set_entry(EVERY_TENANT, default(10))])
    assert is_counted(tables, "one")
    tables.apply([delete_entry("tenant", EVERY_TENANT)])
    assert not is_counted(tables, "one")


def test_a_throttle_counts_every_call() -> None:
    tables = tables_with(default(1000), "one")
    tables.apply([set_entry("one", default(5))])

    assert is_counted(tables, "one")


def test_calls_of_both_spans_are_shown() -> None:
    tables, counts = tables_with(default(1000)), TenantCounts()
    counts.recent["one"] = 3
    counts.tick(tables)
    counts.recent["one"] = 2

    lines = list(counts.lines(tables.tenants))
    assert 'tollgate_tenant_passed_total{tenant="one"} 5' in lines
    assert 'tollgate_tenant_throttled_total{tenant="one"} 0' in lines
