"""How a price grows with the usage of one meter, while the others stay as they were typed."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Any, Final

from django.utils.translation import gettext as _

from apps.core.formatting import format_number, format_unit_price
from apps.core.plots import Number, Plot, PlotData, Series, draw_lines, nice_ticks
from apps.pricing.calculator import PriceTable, PricingModel
from apps.pricing.quotes import Terms, quote

POINTS: Final = 30
MAX_PLOTS: Final = 3
LEAST_USAGE: Final = Decimal(10)
ZERO: Final = Decimal(0)


def plot_prices(
    table: PriceTable, usage: Mapping[str, dict[str, Any]], names: Mapping[str, str]
) -> list[Plot]:
    """Draw the bill's total against the usage of each meter, the first three of them."""
    meters = dict.fromkeys(
        item.meter for item in table.components if item.model is not PricingModel.FLAT
    )
    return [_plot(table, usage, meter, names[meter]) for meter in list(meters)[:MAX_PLOTS]]


def _plot(table: PriceTable, usage: Mapping[str, dict[str, Any]], meter: str, name: str) -> Plot:
    most = _span_of(table, usage, meter)
    quantities = [(most * step / POINTS).to_integral_value() for step in range(POINTS + 1)]
    totals = [
        quote(table, {**usage, meter: _scaled(usage[meter], quantity)}, terms=Terms()).total.amount
        for quantity in quantities
    ]
    return draw_lines(
        PlotData(
            title=_("Price of a period by usage: %(name)s") % {"name": name},
            description=_("The total before tax, while everything else stays as it was typed."),
            labels=[format_number(quantity) for quantity in quantities],
            series=[Series(label=str(_("Total")), values=totals)],
            unit=table.currency,
            show=partial(_money, table.currency),
        )
    )


def _span_of(table: PriceTable, usage: Mapping[str, dict[str, Any]], meter: str) -> Decimal:
    """Return up to which usage is drawn: twice what was typed, and beyond the last tier's beginning."""
    bounds = [2 * _total(usage[meter]), LEAST_USAGE]
    for item in table.components:
        if item.meter != meter:
            continue
        last = [tier.up_to for tier in item.tiers if tier.up_to is not None]
        units = (max(last, default=ZERO) + item.free_units) * Decimal("1.25")
        rule = item.conversion
        if rule is not None:
            units *= rule.factor if rule.conversion == "divide" else 1 / rule.factor
        bounds.append(units)
    # A tier that nobody reaches must not squeeze what was typed into a corner.
    most = min(max(bounds), max(20 * _total(usage[meter]), Decimal(1_000)))
    return Decimal(str(nice_ticks(float(most))[-1]))


def _total(used: Mapping[str, Any]) -> Decimal:
    alone: Decimal = used.get("quantity", ZERO)
    return sum((part["quantity"] for part in used.get("parts", ())), alone)


def _scaled(used: Mapping[str, Any], quantity: Decimal) -> dict[str, Any]:
    """Return the usage with another total, its parts in the proportion that was typed, its events as large as before."""
    total = _total(used)
    if "parts" not in used:
        return _resized(used, quantity)
    count = len(used["parts"])
    return {
        "parts": [
            _resized(part, quantity * part["quantity"] / total if total else quantity / count)
            for part in used["parts"]
        ]
    }


def _resized(part: Mapping[str, Any], quantity: Decimal) -> dict[str, Any]:
    resized, before = {**part, "quantity": quantity}, part["quantity"]
    if "event_count" in part and before:
        resized["event_count"] = max(1, int(part["event_count"] * quantity / before))
    return resized


def _money(currency: str, value: Number) -> str:
    return format_unit_price(Decimal(str(value)), currency)
