"""What a period would cost: the same calculator as the invoice, without saving anything.

Source: docs/api/quotes.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.core import clock
from apps.core.actors import Actor
from apps.core.money import Money
from apps.pricing.calculator import (
    Charge,
    Discount,
    DiscountKind,
    InvoiceTotals,
    PriceTable,
    PricingModel,
    TaxableLine,
    TaxPolicy,
    Usage,
    UsagePart,
    rate,
    round_line,
    total_invoice,
)
from apps.pricing.calculator.promotions import (
    FEES,
    ReducibleLine,
    Reduction,
    TakenOff,
    take_off,
)
from apps.pricing.drafts import BASE_FEE_METER
from apps.pricing.inline_prices import read_inline_prices
from apps.pricing.models import CALLS_METER, PriceVersion
from apps.pricing.promotion_quotes import reductions_for_quote
from apps.pricing.quantities import require_quantity, table_for_quantity
from apps.pricing.quotable_prices import compiled_prices_of, get_quotable_version
from apps.pricing.selectors import tax_percent_of

METER_WORDS: Final = {BASE_FEE_METER: _("Base fee"), CALLS_METER: _("Calls")}


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """One line: the charge with its working, and what an invoice line would say."""

    charge: Charge
    amount: Money
    name: str = ""

    @property
    def label(self) -> str | Promise:
        """The line in words; a provider's own meter without a name is called by its key."""
        return self.name or METER_WORDS.get(self.charge.meter, self.charge.meter)

    def explain(self) -> dict[str, object]:
        """Return the line as JSON values, every step included."""
        return {**self.charge.explain(), "amount_minor": self.amount.amount_minor}


@dataclass(frozen=True, slots=True)
class Quote:
    """The lines of a period in the order in which an invoice prints them, and what they add up to."""

    lines: tuple[QuoteLine, ...]
    totals: InvoiceTotals
    promotions: tuple[TakenOff, ...] = ()

    @property
    def total(self) -> Money:
        """What would be asked for: the lines less discounts, and tax."""
        return self.totals.total

    @property
    def taken_off(self) -> Money:
        """What discounts and promotions take off; not above zero."""
        return -self.totals.discount

    def named(self, names: Mapping[str, str]) -> Quote:
        """Return the quote with its lines called as the provider calls its meters, by key."""
        lines = [replace(line, name=names.get(line.charge.meter, "")) for line in self.lines]
        return replace(self, lines=tuple(lines))

    def explain(self) -> dict[str, object]:
        """Return the quote as JSON values, every step included."""
        return {
            "currency": self.total.currency,
            "lines": [line.explain() for line in self.lines],
            "fees_minor": self.totals.fees.amount_minor,
            "discounts_minor": [discount.amount_minor for discount in self.totals.discounts],
            "promotions": [
                {
                    "promotion": item.reduction.key,
                    "kind": item.reduction.kind.value,
                    "base_minor": item.base.amount_minor,
                    "amount_minor": item.amount.amount_minor,
                }
                for item in self.promotions
            ],
            "subtotal_minor": self.totals.subtotal.amount_minor,
            "tax_minor": self.totals.tax.amount_minor,
            "total_minor": self.total.amount_minor,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a quote assumes beside prices and usage.

    Attributes:
        billed_days: days of service, of the `period_days` of the whole period: scales flat fees and minimum spends.
        discounts: in the order in which they apply; `applies_to` is a meter.
        reductions: promotions, the first to apply first, in place of discounts.
        tax_percent: on what discounts leave; zero for none.
    """

    billed_days: int = 1
    period_days: int = 1
    discounts: tuple[Discount, ...] = ()
    reductions: tuple[Reduction, ...] = ()
    tax_percent: Decimal = Decimal(0)
    tax_policy: TaxPolicy = TaxPolicy.LINE


def answer_quote(question: Mapping[str, Any], *, actor: Actor) -> Quote:
    """Answer a question as `quote_input.QuoteInput` validates it; nothing is saved.

    Raises:
        NotFound: the plan does not exist, or not for this actor.
        CurrencyNotOffered, QuantityNotOffered: the plan is not sold like that; names the field.
        PromotionRefused: the code does not hold for the actor's organization; `reason` says why.
        InvalidPrice: the inline price cannot be calculated; `errors` points at each defect.
    """
    address = question.get("tax_address")
    percent = (
        tax_percent_of(country=address["country"], day=clock.now().date()) if address else None
    )
    terms = terms_of(question, tax_percent=percent or Decimal(0))
    if "plan" in question:
        version = get_quotable_version(actor, question["plan"], currency=question.get("currency"))
        quantity = question.get("quantity", 1)
        require_quantity(version.plan, quantity)
        reductions = reductions_for_quote(question, version, actor=actor)
        terms = replace(terms, reductions=reductions)
        table = table_for_quantity(compiled_prices_of(version), quantity)
        return quote(table, question["usage"], terms=terms)
    table = read_inline_prices(question["currency"], question["components"])
    return quote(table, question["usage"], terms=terms)


def quote_first_bill(version: PriceVersion, *, actor: Actor, promotion_code: str = "") -> Quote:
    """Price a whole first period without usage, less the promotions that the actor's organization would get.

    Raises:
        PromotionRefused: the code does not hold for it; `reason` says why.
    """
    question = {"promotion_code": promotion_code, "promotions": True, "usage": {}}
    reductions = reductions_for_quote(question, version, actor=actor)
    return quote(compiled_prices_of(version), {}, terms=Terms(reductions=reductions))


def quote_usage(table: PriceTable, quantities: Mapping[str, Decimal]) -> Quote:
    """Price a whole period with these quantities by meter; meters without a price cost nothing."""
    usage = {meter: {"quantity": quantity} for meter, quantity in quantities.items()}
    return quote(table, usage, terms=Terms())


def quote(
    table: PriceTable,
    usage: Mapping[str, Mapping[str, Any]],
    *,
    terms: Terms,
) -> Quote:
    """Price a period.

    Args:
        usage: by meter, one of `quantity` (with or without `event_count`), `events`, `buckets`, `parts`, as `quote_input.QuoteUsageInput` validates it.
    """
    priced = {
        component.meter: _usage_of(usage.get(component.meter, {}), terms)
        for component in table.components
    }
    charges = rate(table, priced).charges
    lines = tuple(QuoteLine(charge, round_line(charge, table.currency)) for charge in charges)
    taken = take_off(
        terms.reductions,
        [ReducibleLine(line.charge.meter, line.amount, is_fee=_is_fee(line)) for line in lines],
        table=table,
        usage=priced,
        tax_percent=terms.tax_percent,
        tax_policy=terms.tax_policy,
    )
    taxable = [TaxableLine(line.amount, terms.tax_percent, _tags_of(line)) for line in lines]
    totals = total_invoice(
        taxable,
        currency=table.currency,
        discounts=[*terms.discounts, *(item.discount for item in taken)],
        tax_policy=terms.tax_policy,
    )
    return Quote(lines, totals, tuple(taken))


def terms_of(values: Mapping[str, Any], *, tax_percent: Decimal) -> Terms:
    """Read the terms of a question as `quote_input.QuoteInput` validates it.

    Args:
        tax_percent: the rate at the buyer's address; a rate that the question names itself goes before it.
    """
    period, tax = values.get("period"), values.get("tax")
    days = {}
    if period:
        days["period_days"] = (period["last_day"] - period["first_day"]).days + 1
        served = period["service_last_day"] - period["service_first_day"]
        days["billed_days"] = served.days + 1
    return Terms(
        **days,
        discounts=_discounts(values.get("discounts", ())),
        tax_percent=tax["percent"] if tax else tax_percent,
        tax_policy=TaxPolicy(tax["rounding"]) if tax else TaxPolicy.LINE,
    )


def _discounts(given: Sequence[Mapping[str, Any]]) -> tuple[Discount, ...]:
    return tuple(
        Discount(DiscountKind(item["kind"]), item["value"], item.get("meter")) for item in given
    )


def _usage_of(given: Mapping[str, Any], terms: Terms) -> Usage:
    usage = Usage(billed_days=terms.billed_days, period_days=terms.period_days)
    if "events" in given:
        return replace(usage, events=tuple(given["events"]))
    if "buckets" in given:
        return replace(usage, buckets=tuple(given["buckets"]))
    if "parts" in given:
        parts = tuple(
            UsagePart(
                tuple(sorted(part["dimensions"].items())),
                part["quantity"],
                part.get("event_count"),
            )
            for part in given["parts"]
        )
        return replace(usage, parts=parts)
    quantity, count = given.get("quantity", Decimal(0)), given.get("event_count")
    return replace(usage, quantity=quantity, event_count=count)


def _is_fee(line: QuoteLine) -> bool:
    return line.charge.model is PricingModel.FLAT


def _tags_of(line: QuoteLine) -> frozenset[str]:
    meter = line.charge.meter
    return frozenset({meter, FEES}) if _is_fee(line) else frozenset({meter})
