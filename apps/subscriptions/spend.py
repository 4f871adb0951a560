"""The consumer's spend cap as a number of calls, and what a closed period waives because of it.

A cap is money per billing period, before tax. It covers everything that the subscription costs in the period: fees that
are due anyway count as spent, usage comes on top. Source: docs/domain/quotas.md §4.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from apps.core.clock import Period
from apps.core.money import Money
from apps.pricing.calculator import PriceTable, price_of, units_within
from apps.pricing.models import CALLS_METER
from apps.pricing.quantities import table_for_quantity
from apps.pricing.selectors import price_table_of
from apps.subscriptions.models import SpendCap, Subscription

ZERO = Decimal(0)


def current_cap(subscription: Subscription) -> SpendCap | None:
    """Return the cap that counts now. One query unless `spend_caps` are prefetched."""
    return next((cap for cap in subscription.spend_caps.all() if cap.removed_at is None), None)


def spend_calls_of(subscription: Subscription) -> int | None:
    """Return the number of calls of a period at which the subscription's cap is reached; None without one.

    Queries for cap and prices unless `spend_caps` and `price_version__components__tiers` are prefetched.
    """
    cap = current_cap(subscription)
    if cap is None:
        return None
    return calls_within(prices_of(subscription), cap.amount)


def prices_of(subscription: Subscription) -> PriceTable:
    """Return what the subscription pays: its version's prices for its quantity."""
    return table_for_quantity(price_table_of(subscription.price_version), subscription.quantity)


def calls_within(table: PriceTable, cap: Money) -> int | None:
    """Return up to how many calls every number of calls costs at most the cap.

    A cap in another currency than the prices, which a plan change may leave behind, stops nothing.
    """
    return units_within(table, CALLS_METER, cap) if cap.currency == table.currency else None


def spent_on(table: PriceTable, calls: int) -> Money:
    """Return what a period with so many calls costs before tax, fees that are due anyway included."""
    return price_of(table, CALLS_METER, calls)


def waived_calls(
    *, caps: Sequence[SpendCap], table: PriceTable, period: Period, counted: Decimal
) -> Decimal:
    """Return how many of a period's counted calls lie beyond the spend cap and are not charged.

    Such calls passed although the gateway had no room for them: late ones, unconfirmed ones, or ones that a lost store
    let through. Without a cap at the period's end nothing is waived; calls that had passed before a cap was set or
    lowered are charged. Nothing is waived either where more calls cost less.

    Args:
        caps: of the subscription, ended ones included.
        counted: calls of the period that the plan bills.
    """
    held = [
        cap
        for cap in caps
        if cap.set_at < period.end and (cap.removed_at is None or cap.removed_at > period.start)
    ]
    if not any(cap.removed_at is None or cap.removed_at >= period.end for cap in held):
        return ZERO
    bounds = [calls_within(table, cap.amount) for cap in held]
    bounds += [cap.used_when_set for cap in held if cap.set_at >= period.start]
    allowed = max((ZERO if bound is None else Decimal(bound)) for bound in bounds)
    if None in bounds or counted <= allowed:
        return ZERO
    if spent_on(table, int(counted)) <= spent_on(table, int(allowed)):
        return ZERO
    return counted - allowed
