"""Currencies and a fixed table of sample rates against the euro."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Final

from deploy.local.upstream.geography import DATA

SAMPLE_DATE: Final = "2026-01-02"
SAMPLE_NOTE: Final = "Sample data: a fixed table for demonstrations, not market rates."
RATE_PLACES: Final = Decimal("0.000001")


@dataclass(frozen=True)
class Currency:
    """A currency; `exponent` is its number of decimal places, `per_eur` what one euro buys."""

    code: str
    name: str
    exponent: int
    per_eur: Decimal


@cache
def currencies() -> dict[str, Currency]:
    """Return every currency by ISO 4217 code."""
    with (DATA / "rates.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["code"]: Currency(
                row["code"], row["name"], int(row["exponent"]), Decimal(row["per_eur"])
            )
            for row in csv.DictReader(file)
        }


def cross_rate(base: Currency, quote: Currency) -> Decimal:
    """Return how much of `quote` one unit of `base` buys, to six places."""
    return (quote.per_eur / base.per_eur).quantize(RATE_PLACES, ROUND_HALF_UP)


def convert(amount: Decimal, base: Currency, quote: Currency) -> Decimal:
    """Return an amount in `quote`, rounded half up to its own decimal places."""
    exact = amount * quote.per_eur / base.per_eur
    return exact.quantize(Decimal(1).scaleb(-quote.exponent), ROUND_HALF_UP)
