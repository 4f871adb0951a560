"""A plan that is subscribed to several times: what its quantity multiplies.

Fees of the period, free units, free events, free amounts and the quota are those of one unit, taken as often as the quantity says. Prices of usage,
tiers and rate limits stay as they are: they belong to calls, not to units.

Source: docs/domain/plan-changes.md.
"""

from __future__ import annotations

from dataclasses import replace

from django.utils.translation import gettext as _

from apps.pricing.calculator import Component, PriceTable, PricingModel
from apps.pricing.exceptions import QuantityNotOffered
from apps.pricing.models import Plan


def require_quantity(plan: Plan, quantity: int) -> None:
    """Refuse a number of units that the plan is not sold in.

    Raises:
        QuantityNotOffered: names `quantity`.
    """
    if quantity != 1 and plan.max_quantity == 1:
        text = _("This plan is not sold by quantity. Choose 1.")
        raise QuantityNotOffered(text, field="quantity")
    if not 1 <= quantity <= plan.max_quantity:
        text = _("Choose a quantity from 1 to %(most)s.") % {"most": plan.max_quantity}
        raise QuantityNotOffered(text, field="quantity")


def table_for_quantity(table: PriceTable, quantity: int) -> PriceTable:
    """Return the prices of so many units of a plan, component by component in the same order."""
    if quantity == 1:
        return table
    components = tuple(_times(component, quantity) for component in table.components)
    return replace(table, components=components)


def _times(component: Component, quantity: int) -> Component:
    if component.model is PricingModel.FLAT:
        return replace(component, unit_price=component.unit_price * quantity)
    return replace(
        component,
        free_units=component.free_units * quantity,
        free_events=None if component.free_events is None else component.free_events * quantity,
        free_amount=None if component.free_amount is None else component.free_amount * quantity,
    )
