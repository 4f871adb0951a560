"""Money as integer minor units, and the one place where amounts are rounded.

Settled amounts are `Money`: whole minor units (cents, yen, fils) and an ISO 4217 code. Unit prices and
amounts that are not rounded yet are `Decimal`, with up to 12 places. Floats are refused.

Source: docs/adr/0003-money-and-rounding.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

from babel.numbers import list_currencies

# 60 digits hold any product of a 30-digit price and a 30-digit quantity without rounding on the way.
DECIMAL_CONTEXT: Final = Context(prec=60)

# ZWG is newer than the list that comes with the locale data.
CURRENCIES: Final = frozenset(list_currencies()) | {"ZWG"}
DEFAULT_EXPONENT: Final = 2
EXPONENTS: Final[dict[str, int]] = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "JPY",
            "KMF",
            "KRW",
            "MGA",
            "PYG",
            "RWF",
            "UGX",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
            "ISK",
        ],
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
}


class CurrencyMismatchError(ValueError):
    """Two amounts of different currencies met in one sum or comparison."""


def currency_exponent(currency: str) -> int:
    """Return how many decimal places the currency's minor unit has (USD 2, JPY 0, KWD 3)."""
    return EXPONENTS.get(currency, DEFAULT_EXPONENT)


def round_half_away(value: Decimal, places: int) -> Decimal:
    """Round to `places` decimals, ties away from zero; negative places round to tens, hundreds …"""
    quantum = Decimal(1).scaleb(-places)
    return value.quantize(quantum, rounding=ROUND_HALF_UP, context=DECIMAL_CONTEXT)


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """A settled amount: whole minor units of one currency."""

    amount_minor: int
    currency: str

    def __post_init__(self) -> None:
        """Refuse anything but whole minor units and a three-letter upper-case code."""
        if type(self.amount_minor) is not int:  # neither a float nor a bool
            msg = f"amount_minor must be an int, not {type(self.amount_minor).__name__}"
            raise TypeError(msg)
        if len(self.currency) != 3 or not self.currency.isalpha() or not self.currency.isupper():
            msg = f"currency must be a three-letter ISO 4217 code, not {self.currency!r}"
            raise ValueError(msg)

    @classmethod
    def zero(cls, currency: str) -> Money:
        """Return nothing, in that currency."""
        return cls(0, currency)

    @classmethod
    def from_decimal(cls, amount: Decimal, currency: str) -> Money:
        """Round an amount in major units to the currency's minor unit, ties away from zero."""
        if type(amount) is not Decimal:
            msg = f"amount must be a Decimal, not {type(amount).__name__}"
            raise TypeError(msg)
        exponent = currency_exponent(currency)
        return cls(int(round_half_away(amount, exponent).scaleb(exponent)), currency)

    @property
    def amount(self) -> Decimal:
        """The amount in major units, with exactly the currency's decimal places."""
        return Decimal(self.amount_minor).scaleb(-currency_exponent(self.currency))

    def __add__(self, other: Money) -> Money:
        self._require_same_currency(other)
        return Money(self.amount_minor + other.amount_minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._require_same_currency(other)
        return Money(self.amount_minor - other.amount_minor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount_minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        self._require_same_currency(other)
        return self.amount_minor < other.amount_minor

    def __le__(self, other: Money) -> bool:
        self._require_same_currency(other)
        return self.amount_minor <= other.amount_minor

    def __bool__(self) -> bool:
        return self.amount_minor != 0

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    def _require_same_currency(self, other: Money) -> None:
        if self.currency != other.currency:
            msg = f"cannot combine {self.currency} with {other.currency}"
            raise CurrencyMismatchError(msg)


def sum_money(amounts: Iterable[Money], currency: str) -> Money:
    """Add amounts of one currency; an empty sum is zero of that currency."""
    total = Money.zero(currency)
    for amount in amounts:
        total += amount
    return total


def allocate(total: Money, weights: Sequence[Decimal]) -> list[Money]:
    """Split an amount by weights so that the shares add up exactly.

    Each share is floored and the units left over go to the largest remainders; equal remainders
    are served in the order given, so the same input always gives the same split. A negative total
    is split like its positive twin.

    Raises:
        ValueError: no weight, a negative weight, or weights that sum to zero.
    """
    if not weights or any(weight < 0 for weight in weights) or sum(weights) == 0:
        msg = "weights must be non-negative and sum to more than zero"
        raise ValueError(msg)
    sign = -1 if total.amount_minor < 0 else 1
    units = abs(total.amount_minor)
    whole = sum(weights, Decimal(0))
    exact = [
        DECIMAL_CONTEXT.divide(DECIMAL_CONTEXT.multiply(Decimal(units), weight), whole)
        for weight in weights
    ]
    floors = [int(share) for share in exact]
    order = sorted(range(len(weights)), key=lambda i: (floors[i] - exact[i], i))
    for i in order[: units - sum(floors)]:
        floors[i] += 1
    return [Money(sign * share, total.currency) for share in floors]
