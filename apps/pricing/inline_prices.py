"""An inline price definition of a quote becomes a price table, or a list of what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.pricing import calculator
from apps.pricing.calculator import (
    Component,
    Conversion,
    DefectCode,
    PackageRounding,
    PriceTable,
    PricingModel,
    QuantityRounding,
    Tier,
)
from apps.pricing.drafts import Defect
from apps.pricing.exceptions import InvalidPrice

# What each model reads, beside `COMMON`.
FIELDS: Final[Mapping[PricingModel, frozenset[str]]] = {
    PricingModel.FLAT: frozenset({"flat_fee"}),
    PricingModel.PER_UNIT: frozenset({"unit_price", "free_units"}),
    PricingModel.GRADUATED: frozenset({"tiers", "free_units"}),
    PricingModel.VOLUME: frozenset({"tiers", "free_units"}),
    PricingModel.GRADUATED_PERCENTAGE: frozenset({"tiers", "free_units"}),
    PricingModel.PACKAGE: frozenset(
        {"package_size", "package_price", "package_rounding", "free_units"}
    ),
    PricingModel.PERCENTAGE: frozenset(
        {
            "rate_percent",
            "fixed_fee",
            "free_events",
            "free_amount",
            "min_per_event",
            "max_per_event",
        }
    ),
}
REQUIRED: Final[Mapping[PricingModel, tuple[str, ...]]] = {
    PricingModel.FLAT: ("flat_fee",),
    PricingModel.PER_UNIT: ("unit_price",),
    PricingModel.GRADUATED: ("tiers",),
    PricingModel.VOLUME: ("tiers",),
    PricingModel.GRADUATED_PERCENTAGE: ("tiers",),
    PricingModel.PACKAGE: ("package_size", "package_price"),
    PricingModel.PERCENTAGE: ("rate_percent",),
}
COMMON: Final = frozenset(
    {"meter", "name", "model", "dimensions", "min_spend", "max_spend", "conversion"}
)
# A tier's price: units, or a percentage of the money inside it.
_UNIT_TIER: Final = frozenset({"up_to", "unit_price", "flat_fee", "package_size"})
_PERCENT_TIER: Final = frozenset({"up_to", "rate_percent", "flat_fee"})
WORDS: Final[Mapping[DefectCode, tuple[str, str | Promise]]] = {
    DefectCode.NEGATIVE: ("out_of_range", _("Choose a number that is not negative.")),
    DefectCode.NOT_FINITE: ("out_of_range", _("Choose a number.")),
    DefectCode.TOO_MANY_PLACES: ("too_many_decimals", _("At most 12 decimals are kept.")),
    DefectCode.MORE_THAN_ALL: ("out_of_range", _("Choose at most 100 percent.")),
    DefectCode.TIERS_NOT_RISING: ("not_rising", _("Each tier ends above the one before.")),
    DefectCode.TIER_AFTER_OPEN_END: ("open_too_early", _("Only the last tier has no end.")),
    DefectCode.NO_OPEN_END: ("not_open", _("The last tier must have no end.")),
    DefectCode.TIERS_NOT_USED: ("unexpected", _("This kind of price has no tiers.")),
    DefectCode.MINIMUM_ABOVE_MAXIMUM: (
        "out_of_range",
        _("The minimum is not above the maximum."),
    ),
}


@dataclass(frozen=True, slots=True)
class QuantityRule:
    """What is done to a raw quantity before it is priced."""

    conversion: Conversion
    factor: Decimal
    rounding: QuantityRounding


@dataclass(frozen=True, slots=True)
class InlinePrices:
    """A price table, and how the quantities of its meters are converted first."""

    table: PriceTable
    rules: Mapping[str, QuantityRule]


def read_inline_prices(currency: str, components: Sequence[Mapping[str, Any]]) -> InlinePrices:
    """Build the price table of a quote.

    Args:
        currency: ISO 4217.
        components: as `quote_input.QuoteComponentInput` validates them.

    Raises:
        InvalidPrice: a component cannot be priced; `errors` points at each defect.
    """
    components = [_given(component) for component in components]
    defects = [
        defect
        for position, component in enumerate(components)
        for defect in _defects_of(component, f"/components/{position}")
    ] + list(_doubled(components))
    if not defects:
        table = PriceTable(currency, tuple(_priced(component) for component in components))
        defects = [
            Defect(defect.pointer, *WORDS[defect.code]) for defect in calculator.find_defects(table)
        ]
    if defects:
        raise InvalidPrice(errors=[defect._asdict() for defect in defects])
    rules = {
        component["meter"]: _rule_of(component["conversion"])
        for component in components
        if "conversion" in component
    }
    return InlinePrices(table, rules)


def _given(component: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is null, in the tiers too; a tier's `up_to` says something by being null."""
    given = {name: value for name, value in component.items() if value is not None}
    if "tiers" in given:
        given["tiers"] = [
            {name: value for name, value in tier.items() if value is not None or name == "up_to"}
            for tier in given["tiers"]
        ]
    return given


def _defects_of(component: Mapping[str, Any], pointer: str) -> Iterator[Defect]:
    model = PricingModel(component["model"])
    for name in sorted(set(component) - COMMON - FIELDS[model]):
        yield Defect(f"{pointer}/{name}", "unexpected", _("This kind of price does not have it."))
    for name in REQUIRED[model]:
        if component.get(name, []) == []:
            yield Defect(f"{pointer}/{name}", "required", _("This kind of price needs it."))
    if component.get("package_size") == 0:
        yield _empty_package(f"{pointer}/package_size")
    known = _PERCENT_TIER if model is PricingModel.GRADUATED_PERCENTAGE else _UNIT_TIER
    for position, tier in enumerate(component.get("tiers", ())):
        place = f"{pointer}/tiers/{position}"
        for name in sorted(set(tier) - known):
            yield Defect(f"{place}/{name}", "unexpected", _("Tiers of this kind do not have it."))
        if tier.get("package_size") == 0:
            yield _empty_package(f"{place}/package_size")


def _empty_package(pointer: str) -> Defect:
    return Defect(pointer, "out_of_range", _("A package holds more than nothing."))


def _doubled(components: Sequence[Mapping[str, Any]]) -> Iterator[Defect]:
    """Find prices for the same part of a meter, and two ways to convert one meter."""
    seen: set[tuple[str, calculator.Dimensions]] = set()
    conversions: dict[str, Any] = {}
    for position, component in enumerate(components):
        pointer, meter = f"/components/{position}", component["meter"]
        part = (meter, _dimensions(component))
        if part in seen:
            yield Defect(f"{pointer}/meter", "duplicate", _("This meter has a price already."))
        seen.add(part)
        conversion = component.get("conversion")
        if conversions.setdefault(meter, conversion) != conversion:
            text = _("All prices of one meter convert its quantity alike.")
            yield Defect(f"{pointer}/conversion", "conflict", text)


def _priced(component: Mapping[str, Any]) -> Component:
    # The REST API calls the fee of a period `flat_fee`; the calculator, its unit price.
    own = {
        name: value
        for name, value in component.items()
        if name not in {"name", "model", "dimensions", "tiers", "conversion", "flat_fee"}
    }
    if "package_rounding" in own:
        own["package_rounding"] = PackageRounding(own["package_rounding"])
    if "flat_fee" in component:
        own["unit_price"] = component["flat_fee"]
    return Component(
        **own,
        model=PricingModel(component["model"]),
        dimensions=_dimensions(component),
        tiers=tuple(Tier(**tier) for tier in component.get("tiers", ())),
    )


def _dimensions(component: Mapping[str, Any]) -> calculator.Dimensions:
    return tuple(sorted(component.get("dimensions", {}).items()))


def _rule_of(conversion: Mapping[str, Any]) -> QuantityRule:
    return QuantityRule(
        Conversion(conversion["operation"]),
        conversion["factor"],
        QuantityRounding(conversion["rounding"]),
    )
