"""One priced thing as a provider writes it down, or a quote asks for it, and what is wrong with it.

Which fields a price has depends on its model; a field that the model does not have is refused, so that a misspelt
price is never taken for none. Plans and inline quotes are held against the same rules.

Source: docs/domain/pricing.md, docs/api/quotes.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from decimal import Decimal
from typing import Final, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.pricing import calculator
from apps.pricing.calculator import DefectCode, PackageRounding, QuantityRule
from apps.pricing.enums import PriceModel

ZERO: Final = Decimal(0)
MAX_PRICE: Final = Decimal(10) ** 18
MAX_FREE_EVENTS: Final = 10**9
TIERED: Final = frozenset(
    {PriceModel.GRADUATED, PriceModel.VOLUME, PriceModel.GRADUATED_PERCENTAGE}
)
# Prices of amounts of money: what a meter adds up must be money.
PERCENTAGES: Final = frozenset({PriceModel.PERCENTAGE, PriceModel.GRADUATED_PERCENTAGE})
# They charge each event by itself.
PER_EVENT: Final = ("fixed_fee", "free_events", "min_per_event", "max_per_event")
# What every price has, and what every price of usage may have.
COMMON: Final = frozenset({"meter", "name", "model", "min_spend", "max_spend"})
OF_USAGE: Final = frozenset({"dimensions", "conversion"})
FIELDS: Final[Mapping[PriceModel, frozenset[str]]] = {
    PriceModel.FLAT: frozenset({"flat_fee", "billed_in_advance"}),
    PriceModel.PER_UNIT: OF_USAGE | {"unit_price", "free_units"},
    PriceModel.GRADUATED: OF_USAGE | {"tiers", "free_units"},
    PriceModel.VOLUME: OF_USAGE | {"tiers", "free_units"},
    PriceModel.GRADUATED_PERCENTAGE: OF_USAGE | {"tiers", "free_units"},
    PriceModel.PACKAGE: OF_USAGE
    | {"package_size", "package_price", "package_rounding", "free_units"},
    PriceModel.PERCENTAGE: OF_USAGE | {"rate_percent", "free_amount", *PER_EVENT},
}
REQUIRED: Final[Mapping[PriceModel, tuple[str, ...]]] = {
    PriceModel.FLAT: ("flat_fee",),
    PriceModel.PER_UNIT: ("unit_price",),
    PriceModel.GRADUATED: ("tiers",),
    PriceModel.VOLUME: ("tiers",),
    PriceModel.GRADUATED_PERCENTAGE: ("tiers",),
    PriceModel.PACKAGE: ("package_size", "package_price"),
    PriceModel.PERCENTAGE: ("rate_percent",),
}
# A tier's price: units, or a percentage of the money inside it.
UNIT_TIER: Final = frozenset({"up_to", "unit_price", "flat_fee", "package_size"})
PERCENT_TIER: Final = frozenset({"up_to", "rate_percent", "flat_fee"})
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


class Defect(NamedTuple):
    """One thing that is wrong: where (JSON pointer), a stable code, and words."""

    pointer: str
    code: str
    detail: str | Promise


@dataclass(frozen=True, slots=True, kw_only=True)
class TierDraft:
    """A step of a ladder: prices the units in (previous `up_to`, `up_to`]; None is without end."""

    up_to: Decimal | None
    unit_price: Decimal = ZERO
    flat_fee: Decimal = ZERO
    package_size: Decimal | None = None
    rate_percent: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentDraft:
    """One priced thing. `flat_fee` is the fee of a whole period; a flat fee has a meter of its own as its key."""

    meter: str
    model: PriceModel
    name: str = ""
    unit_price: Decimal | None = None
    flat_fee: Decimal | None = None
    free_units: Decimal = ZERO
    package_size: Decimal | None = None
    package_price: Decimal | None = None
    package_rounding: PackageRounding = PackageRounding.UP
    rate_percent: Decimal | None = None
    fixed_fee: Decimal | None = None
    free_events: int | None = None
    free_amount: Decimal | None = None
    min_per_event: Decimal | None = None
    max_per_event: Decimal | None = None
    min_spend: Decimal | None = None
    max_spend: Decimal | None = None
    dimensions: calculator.Dimensions = ()
    conversion: QuantityRule | None = None
    billed_in_advance: bool = False
    tiers: tuple[TierDraft, ...] = ()


def is_given(draft: ComponentDraft | TierDraft, name: str) -> bool:
    """Whether a field says something: it is not what it is without being written down."""
    default = _DEFAULTS[type(draft)][name]
    return default is MISSING or getattr(draft, name) != default


# What each field is without being written down.
_DEFAULTS: Final[Mapping[type, Mapping[str, object]]] = {
    kind: {field.name: field.default for field in fields(kind)}
    for kind in (ComponentDraft, TierDraft)
}


def _given(draft: ComponentDraft | TierDraft) -> set[str]:
    return {name for name in _DEFAULTS[type(draft)] if is_given(draft, name)}


def price_component(draft: ComponentDraft) -> calculator.Component:
    """Return a price without shape defects as the calculator takes it."""
    is_flat = draft.model == PriceModel.FLAT
    return calculator.Component(
        meter=draft.meter,
        model=calculator.PricingModel(draft.model),
        conversion=draft.conversion,
        dimensions=draft.dimensions,
        unit_price=(draft.flat_fee if is_flat else draft.unit_price) or ZERO,
        free_units=draft.free_units,
        package_size=draft.package_size or Decimal(1),
        package_price=draft.package_price or ZERO,
        package_rounding=draft.package_rounding,
        rate_percent=draft.rate_percent or ZERO,
        fixed_fee=draft.fixed_fee or ZERO,
        free_events=draft.free_events,
        free_amount=draft.free_amount,
        min_per_event=draft.min_per_event,
        max_per_event=draft.max_per_event,
        min_spend=draft.min_spend,
        max_spend=draft.max_spend,
        tiers=tuple(
            calculator.Tier(
                up_to=tier.up_to,
                unit_price=tier.unit_price,
                flat_fee=tier.flat_fee,
                package_size=tier.package_size,
                rate_percent=tier.rate_percent,
            )
            for tier in draft.tiers
        ),
    )


def find_component_defects(components: Sequence[ComponentDraft]) -> Iterator[Defect]:
    """Yield everything that keeps prices from being calculated, with pointers such as `/components/0/unit_price`."""
    seen: set[tuple[str, calculator.Dimensions]] = set()
    for position, component in enumerate(components):
        pointer = f"/components/{position}"
        part = (component.meter, component.dimensions)
        if part in seen:
            yield Defect(f"{pointer}/meter", "duplicate", _("This meter has a price already."))
        seen.add(part)
        of_shape = list(_shape_defects(component, pointer))
        yield from of_shape or _number_defects(component, pointer)


def _shape_defects(draft: ComponentDraft, pointer: str) -> Iterator[Defect]:
    """Check that a price has what its model needs, and nothing that it does not have."""
    given = _given(draft)
    for name in sorted(given - COMMON - FIELDS[draft.model]):
        yield Defect(f"{pointer}/{name}", "unexpected", _("This kind of price does not have it."))
    for name in REQUIRED[draft.model]:
        if name not in given:
            text = (
                _("Add at least one tier.")
                if name == "tiers"
                else _("This kind of price needs it.")
            )
            yield Defect(f"{pointer}/{name}", "required", text)
    if draft.package_size is not None and not _is_positive(draft.package_size):
        yield _empty_package(f"{pointer}/package_size")
    if draft.conversion is not None and not _is_positive(draft.conversion.factor):
        text = _("Choose a number above zero.")
        yield Defect(f"{pointer}/conversion/factor", "out_of_range", text)
    if draft.free_events is not None and draft.free_events > MAX_FREE_EVENTS:
        yield Defect(f"{pointer}/free_events", "out_of_range", _("Choose a smaller number."))
    known = PERCENT_TIER if draft.model == PriceModel.GRADUATED_PERCENTAGE else UNIT_TIER
    for position, tier in enumerate(draft.tiers):
        place = f"{pointer}/tiers/{position}"
        for name in sorted(_given(tier) - known):
            yield Defect(f"{place}/{name}", "unexpected", _("Tiers of this kind do not have it."))
        if tier.package_size is not None and not _is_positive(tier.package_size):
            yield _empty_package(f"{place}/package_size")


def _number_defects(draft: ComponentDraft, pointer: str) -> Iterator[Defect]:
    """Check the numbers of a price of the right shape, and the ladder that its tiers are."""
    priced = price_component(draft)
    yield from _too_large(draft, pointer)
    for position, tier in enumerate(draft.tiers):
        yield from _too_large(tier, f"{pointer}/tiers/{position}")
    table = calculator.PriceTable("USD", (priced,))  # the currency does not matter here
    for defect in calculator.find_defects(table):
        place = defect.pointer.removeprefix("/components/0")
        if draft.model == PriceModel.FLAT and place == "/unit_price":
            place = "/flat_fee"
        yield Defect(f"{pointer}{place}", *WORDS[defect.code])


def _too_large(draft: ComponentDraft | TierDraft, pointer: str) -> Iterator[Defect]:
    for name in _DEFAULTS[type(draft)]:
        value = getattr(draft, name)
        if isinstance(value, Decimal) and value.is_finite() and value >= MAX_PRICE:
            yield Defect(f"{pointer}/{name}", "out_of_range", _("Choose a smaller number."))


def _is_positive(number: Decimal) -> bool:
    exponent = number.as_tuple().exponent
    return isinstance(exponent, int) and number > 0 and number < MAX_PRICE


def _empty_package(pointer: str) -> Defect:
    return Defect(pointer, "out_of_range", _("A package holds more than nothing."))
