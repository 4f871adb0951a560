"""Meters of an API, as rows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from apps.subscriptions.models import Subscription
from apps.usage.enums import Aggregation, MeterSource
from apps.usage.models import Meter

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def make_meter(subscription: Subscription, key: str = "tokens", **fields: Any) -> Meter:
    """Insert a meter of a subscription's API; a sum of the property of its name unless told otherwise."""
    values = {
        "created_at": LONG_AGO,
        "name": key.title(),
        "source": MeterSource.PROPERTY,
        "property_name": key,
        "aggregation": Aggregation.SUM,
        **fields,
    }
    return Meter.objects.create(
        organization_id=subscription.provider_organization_id,
        api_id=subscription.api_id,
        key=key,
        **values,
    )
