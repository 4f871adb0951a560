"""What a period would cost: the same calculator as the invoice, without saving anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.core.money import Money
from apps.pricing.calculator import Charge, PriceTable, Usage, rate, round_line
from apps.pricing.drafts import BASE_FEE_METER
from apps.pricing.models import CALLS_METER

METER_WORDS: Final = {BASE_FEE_METER: _("Base fee"), CALLS_METER: _("Calls")}


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """One line: the charge with its working, and what an invoice line would say."""

    charge: Charge
    amount: Money

    @property
    def label(self) -> str | Promise:
        """The line in words; a provider's own meter is called by its key."""
        return METER_WORDS.get(self.charge.meter, self.charge.meter)


@dataclass(frozen=True, slots=True)
class Quote:
    """The lines of a period in the order in which an invoice prints them, and their sum before tax."""

    lines: tuple[QuoteLine, ...]
    total: Money

    def explain(self) -> dict[str, object]:
        """Return the quote as JSON values, every step included."""
        return {
            "currency": self.total.currency,
            "lines": [
                {**line.charge.explain(), "amount_minor": line.amount.amount_minor}
                for line in self.lines
            ],
            "total_minor": self.total.amount_minor,
        }


def quote_usage(table: PriceTable, quantities: Mapping[str, Decimal]) -> Quote:
    """Price a whole period with these quantities by meter; meters without a price cost nothing."""
    usage = {meter: Usage(quantity=quantity) for meter, quantity in quantities.items()}
    rating = rate(table, usage)
    lines = tuple(
        QuoteLine(charge, round_line(charge, table.currency)) for charge in rating.charges
    )
    return Quote(lines, rating.total)
