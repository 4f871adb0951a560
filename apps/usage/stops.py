"""Which subscriptions' keys a used-up quota or spend cap stops."""

from __future__ import annotations

from collections.abc import Sequence

from apps.gateway.quotas import live_quotas_by_id
from apps.keys.stops import Stop


def stops_of(sub_ids: Sequence[str]) -> dict[str, Stop]:
    """Return the stops of subscriptions by public id; no query where the gateway's store knows them."""
    return {
        sub_id: Stop(quota.stop_reason, quota.period.end)
        for sub_id, quota in live_quotas_by_id(sub_ids).items()
        if quota.stop_reason is not None
    }
