"""The steps of a calculation, so that a person or a program can redo it.

A step carries its own operands. `recompute` works from the operands alone and never trusts a stored
amount, so a charge whose steps do not lead to it is found out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, localcontext
from enum import StrEnum
from typing import Final, NamedTuple

from apps.core.money import DECIMAL_CONTEXT
from apps.pricing.calculator.prices import ZERO
from apps.pricing.calculator.quantities import Conversion, QuantityRounding, QuantityRule

HUNDRED: Final = Decimal(100)


class StepCode(StrEnum):
    """What a step did. Stable: interfaces translate by it."""

    UNITS = "units"
    FREE_UNITS = "free_units"
    NEGATIVE_USAGE = "negative_usage"
    TIER = "tier"
    VOLUME_TIER = "volume_tier"
    PACKAGES = "packages"
    PERCENT_TIER = "percent_tier"
    PERCENT = "percent"
    FREE_EVENTS = "free_events"
    FIXED_FEE = "fixed_fee"
    EVENT_MINIMUM = "event_minimum"
    EVENT_MAXIMUM = "event_maximum"
    FLAT_FEE = "flat_fee"
    MINIMUM_SPEND = "minimum_spend"
    MAXIMUM_SPEND = "maximum_spend"
    BEYOND_SPEND_CAP = "beyond_spend_cap"
    CONVERSION = "conversion"
    BOOKED_BEFORE = "booked_before"


NOT_CHARGED: Final = frozenset(
    {
        StepCode.FREE_UNITS,
        StepCode.NEGATIVE_USAGE,
        StepCode.FREE_EVENTS,
        StepCode.BEYOND_SPEND_CAP,
    }
)
# Words, not numbers, of a step.
TEXTS: Final = frozenset({"operation", "rounding"})
LIMITS: Final = frozenset({StepCode.MINIMUM_SPEND, StepCode.MAXIMUM_SPEND})


class StepMismatchError(ValueError):
    """A step's stored amount is not what its own numbers give."""


class Step(NamedTuple):
    """One line of the working. A named tuple because rating builds millions of them.

    Attributes:
        code: what was done.
        amount: result, in major units, unrounded; may be negative for a maximum spend.
        quantity: what the price was applied to: units, events, or money for percentages.
        unit_price: price of one unit, package, event or whole period.
        flat_fee: added once.
        rate_percent: in percent.
        packages: whole packages charged in place of the quantity.
        package_size: units in one package.
        tier_from: lower bound of the tier, exclusive.
        tier_to: upper bound of the tier, inclusive; None when open (or when there is no tier).
        events: number of events the step stands for.
        billed_days: of `period_days`; scales the price.
        period_days: days of the whole period.
        limit: the minimum or maximum spend that was applied.
        bucket: position of the bucket that was priced, from 0.
        operation: how a raw quantity became units, by `factor` and `rounding`: a `Conversion`.
        factor: of the conversion.
        rounding: of the conversion: a `QuantityRounding`.
        units: what the conversion gave; the steps after it price these.
    """

    code: StepCode
    amount: Decimal
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    flat_fee: Decimal | None = None
    rate_percent: Decimal | None = None
    packages: Decimal | None = None
    package_size: Decimal | None = None
    tier_from: Decimal | None = None
    tier_to: Decimal | None = None
    events: int | None = None
    billed_days: int | None = None
    period_days: int | None = None
    limit: Decimal | None = None
    bucket: int | None = None
    operation: str | None = None
    factor: Decimal | None = None
    rounding: str | None = None
    units: Decimal | None = None

    @property
    def formula(self) -> str:
        """The working in symbols alone, such as `4000 × 0.01 + 5 = 45`."""
        if self.code is StepCode.CONVERSION:
            return _conversion_text(self)
        if self.code in NOT_CHARGED:
            return f"{decimal_text(self.quantity or ZERO)} × 0 = 0"
        if self.code in LIMITS:
            return f"{_share_text(self.limit, self)} → {decimal_text(self.amount)}"
        factor = self.quantity if self.packages is None else self.packages
        price = "" if self.unit_price is None else decimal_text(self.unit_price)
        if self.rate_percent is not None:
            price = f"{decimal_text(self.rate_percent)} %"
        left = price if factor is None else f"{decimal_text(factor)} × {price}"
        if self.period_days is not None:
            left = _share_text(self.unit_price, self)
        if self.flat_fee:
            left += f" + {decimal_text(self.flat_fee)}"
        return f"{left} = {decimal_text(self.amount)}"

    def to_json(self) -> dict[str, str | int]:
        """Return the step as JSON values: decimals as strings, absent numbers left out."""
        numbers = {
            name: decimal_text(value) if isinstance(value, Decimal) else value
            for name, value in zip(self._fields, self, strict=True)
            if value is not None
        }
        return {**numbers, "code": self.code.value, "formula": self.formula}

    @classmethod
    def from_json(cls, stored: Mapping[str, str | int]) -> Step:
        """Read a step back; the inverse of `to_json`.

        Raises:
            ValueError: an unknown code. KeyError: code or amount is missing.
        """
        numbers = {
            name: value if isinstance(value, int) or name in TEXTS else Decimal(value)
            for name, value in stored.items()
            if name not in {"code", "formula"}
        }
        return cls(code=StepCode(stored["code"]), **numbers)  # type: ignore[arg-type]  # to_json's names


def recompute(steps: Iterable[Step]) -> Decimal:
    """Redo a calculation from the operands of its steps and return the unrounded amount.

    Raises:
        StepMismatchError: a step's amount is not what its operands give.
    """
    total = ZERO
    with localcontext(DECIMAL_CONTEXT):
        for step in steps:
            amount = _spend_limit(step, total) if step.code in LIMITS else _amount_of(step)
            if amount != step.amount:
                raise StepMismatchError(f"{step.formula}: the numbers give {amount}")
            total += amount
    return total


def decimal_text(value: Decimal) -> str:
    """Write a decimal without exponent and without trailing zeros."""
    if not value:
        return "0"
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _spend_limit(step: Step, running_total: Decimal) -> Decimal:
    if step.code is StepCode.MINIMUM_SPEND:
        return max(ZERO, _scaled(step.limit or ZERO, step) - running_total)
    return min(ZERO, (step.limit or ZERO) - running_total)


def _amount_of(step: Step) -> Decimal:
    if step.code in NOT_CHARGED:
        return ZERO
    if step.code is StepCode.CONVERSION:
        return _checked_conversion(step)
    if step.code is StepCode.FLAT_FEE:
        return _scaled(step.unit_price or ZERO, step)
    factor = (step.quantity if step.packages is None else step.packages) or ZERO
    if step.rate_percent is not None:
        return factor * step.rate_percent / HUNDRED + (step.flat_fee or ZERO)
    return factor * (step.unit_price or ZERO) + (step.flat_fee or ZERO)


def _checked_conversion(step: Step) -> Decimal:
    """A conversion costs nothing; what it gave must be what its operands give."""
    rule = QuantityRule(
        Conversion(step.operation or ""),
        step.factor or ZERO,
        QuantityRounding(step.rounding or QuantityRounding.NONE),
    )
    units = rule.convert(step.quantity or ZERO)
    if units != step.units:
        raise StepMismatchError(f"{step.formula}: the numbers give {units}")
    return ZERO


def _conversion_text(step: Step) -> str:
    sign = "÷" if step.operation == Conversion.DIVIDE else "×"
    becomes = "=" if step.rounding == QuantityRounding.NONE else "→"
    raw, factor, units = (
        decimal_text(number or ZERO) for number in (step.quantity, step.factor, step.units)
    )
    return f"{raw} {sign} {factor} {becomes} {units}"


def _scaled(price: Decimal, step: Step) -> Decimal:
    if step.period_days is None or step.billed_days is None:
        return price
    return price * step.billed_days / step.period_days


def _share_text(price: Decimal | None, step: Step) -> str:
    text = decimal_text(price or ZERO)
    if step.period_days is None or step.billed_days == step.period_days:
        return text
    return f"{text} × {step.billed_days}/{step.period_days}"
