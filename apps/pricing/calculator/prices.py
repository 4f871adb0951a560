"""What is for sale: half of the calculator's input.

Every price, quantity and percentage is a `Decimal`; money is in major units of the table's
currency. A `PriceTable` is a picture of one immutable price version, without its database rows.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from apps.pricing.calculator.quantities import QuantityRounding, QuantityRule

ZERO: Final = Decimal(0)
# Pairs of name and value, sorted by name.
Dimensions = tuple[tuple[str, str], ...]


class PricingModel(StrEnum):
    """How a component turns a quantity into an amount."""

    PER_UNIT = "per_unit"
    GRADUATED = "graduated"
    VOLUME = "volume"
    PACKAGE = "package"
    PERCENTAGE = "percentage"
    GRADUATED_PERCENTAGE = "graduated_percentage"
    FLAT = "flat"


TIERED_MODELS: Final = frozenset(
    {PricingModel.GRADUATED, PricingModel.VOLUME, PricingModel.GRADUATED_PERCENTAGE}
)


class PackageRounding(StrEnum):
    """What happens to a package that was opened but not used up."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """One step of a ladder: it holds the quantities in `(previous up_to, up_to]`.

    Attributes:
        up_to: cumulative upper bound, inclusive; None for the open last tier.
        unit_price: price of one unit, or of one package when `package_size` is set.
        flat_fee: due once the quantity goes beyond the tier's lower bound; the first tier's is due
            at zero usage already.
        package_size: units are sold in started packages of this size inside the tier.
        rate_percent: share of the amount, in percent; used by graduated percentage only.
    """

    up_to: Decimal | None
    unit_price: Decimal = ZERO
    flat_fee: Decimal = ZERO
    package_size: Decimal | None = None
    rate_percent: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """The price of one meter. Which fields count depends on the model.

    Attributes:
        meter: key of the meter whose quantity is priced; a flat fee has a key of its own.
        conversion: the quantity is converted by it first; free units, packages and tiers count converted units.
        dimensions: only the part of the quantity that has these values is priced; none for all that is left.
        unit_price: per unit; for a flat fee, the fee of a whole period.
        free_units: subtracted from the quantity before anything else is done with it.
        package_size: units per package, priced `package_price` each.
        rate_percent: percentage of every event's amount; `fixed_fee` is added per charged event.
        free_events: an event is free while no more than this many events came (None: no such limit)
            and the running amount is below `free_amount` (None: no such limit).
        min_per_event: least charge of one charged event; `max_per_event` is the largest.
        min_spend: the component's amount in a period is topped up to this.
        max_spend: the component's amount in a period is cut to this.
    """

    meter: str
    model: PricingModel
    conversion: QuantityRule | None = None
    dimensions: Dimensions = ()
    unit_price: Decimal = ZERO
    tiers: tuple[Tier, ...] = ()
    free_units: Decimal = ZERO
    package_size: Decimal = Decimal(1)
    package_price: Decimal = ZERO
    package_rounding: PackageRounding = PackageRounding.UP
    rate_percent: Decimal = ZERO
    fixed_fee: Decimal = ZERO
    free_events: int | None = None
    free_amount: Decimal | None = None
    min_per_event: Decimal | None = None
    max_per_event: Decimal | None = None
    min_spend: Decimal | None = None
    max_spend: Decimal | None = None

    @property
    def counts_events(self) -> bool:
        """Whether each event is charged by itself, so that a total alone does not say what it costs."""
        own = (self.free_events, self.min_per_event, self.max_per_event)
        return self.model is PricingModel.PERCENTAGE and (
            bool(self.fixed_fee) or any(value is not None for value in own)
        )

    @property
    def needs_amounts(self) -> bool:
        """Whether the amount of each event matters, in their order; else their total and number say everything."""
        own = (self.free_events, self.free_amount, self.min_per_event, self.max_per_event)
        rule = self.conversion
        is_rounded = rule is not None and rule.rounding is not QuantityRounding.NONE
        return self.counts_events and (is_rounded or any(value is not None for value in own))

    def __post_init__(self) -> None:
        """Refuse what cannot be calculated at all; `find_defects` checks what may be sold."""
        if self.model in TIERED_MODELS and not self.tiers:
            raise ValueError(f"{self.meter}: the model {self.model} needs tiers")
        if self.model is PricingModel.PACKAGE and self.package_size <= 0:
            raise ValueError(f"{self.meter}: package_size must be positive")
        if any(tier.package_size is not None and tier.package_size <= 0 for tier in self.tiers):
            raise ValueError(f"{self.meter}: package_size of a tier must be positive")


@dataclass(frozen=True, slots=True)
class PriceTable:
    """All components of one price version, in the order in which they are printed."""

    currency: str
    components: tuple[Component, ...]

    def __post_init__(self) -> None:
        """Refuse two prices for one part of a meter: it would be charged twice."""
        counts = Counter((component.meter, component.dimensions) for component in self.components)
        doubled = sorted({meter for (meter, _), count in counts.items() if count > 1})
        if doubled:
            raise ValueError(f"more than one component for {', '.join(doubled)}")

    def has_parts(self, meter: str) -> bool:
        """Whether a meter's price differs by dimension."""
        return any(item.dimensions for item in self.components if item.meter == meter)


@dataclass(slots=True)
class EventTally:
    """A number of events and the amounts that they were about."""

    events: int = 0
    amount: Decimal = ZERO

    def add(self, amount: Decimal, events: int = 1) -> None:
        """Add events with their amount together."""
        self.events += events
        self.amount += amount
