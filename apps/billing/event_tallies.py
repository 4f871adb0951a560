"""The events of a period as its percentages per event charge them.

Source: docs/domain/pricing.md, docs/domain/billing.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import localcontext

from apps.billing.models import BillingPeriod
from apps.core.money import DECIMAL_CONTEXT
from apps.pricing.calculator import Dimensions, PercentageTally, PriceTable, priced_by
from apps.usage.event_amounts import amounts_of_events

# By meter, then by the dimensions that a price of it names.
Tallies = Mapping[str, Mapping[Dimensions, PercentageTally]]


def tallies_of(
    period: BillingPeriod, table: PriceTable, *, known_at: datetime | None = None
) -> Tallies:
    """Read a period's events, oldest first, and tally them for each price that needs the amount of each.

    No query for a table without such a price. The period's windows must be closed: then this is exact.

    Args:
        table: the period's prices, for its quantity.
        known_at: as it was then, before usage that came late was settled.

    Raises:
        ArchiveDamaged: the file of an archived month is missing or was changed.
    """
    meters = {item.meter for item in table.components if item.needs_amounts}
    if not meters:
        return {}
    rivals = {meter: [item for item in table.components if item.meter == meter] for meter in meters}
    tallies = {
        meter: {item.dimensions: PercentageTally(item) for item in items if item.needs_amounts}
        for meter, items in rivals.items()
    }
    chosen: dict[tuple[str, Dimensions], PercentageTally | None] = {}
    with localcontext(DECIMAL_CONTEXT):
        for meter, dimensions, amount in amounts_of_events(
            period.subscription, period.charged, meters, known_at=known_at
        ):
            part = (meter, dimensions)
            if part not in chosen:
                price = priced_by(rivals[meter], dimensions)
                chosen[part] = None if price is None else tallies[meter].get(price.dimensions)
            tally = chosen[part]
            if tally is not None:
                tally.add(amount)
    return tallies
