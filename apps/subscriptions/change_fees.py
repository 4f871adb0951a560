"""Fees of a part of a period, as a change of plan quotes and books them.

The preview and the invoice take a fee's amount from the same `charge_of`, so they agree to the cent.

Source: docs/domain/plan-changes.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from apps.core.money import Money
from apps.pricing.calculator import (
    Charge,
    Component,
    PricingModel,
    Usage,
    rate_component,
    round_line,
)
from apps.pricing.calculator.steps import decimal_text


class FeeDue(StrEnum):
    """When a quoted fee comes on an invoice: with the change, with the usage until then, or at the period's end."""

    NOW = "now"
    CLOSING = "closing"
    PERIOD_END = "period_end"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedFee:
    """A fee of a plan for some days of a period.

    Attributes:
        fee: of the whole period and of every unit, in major units; negative where it is given back.
        billed_days: of `period_days`, the days of the whole period.
        due: on which invoice it comes.
    """

    component_id: UUID
    plan_name: str
    name: str
    meter: str
    fee: Decimal
    billed_days: int
    period_days: int
    due: FeeDue

    @property
    def is_credit(self) -> bool:
        """Whether it is given back."""
        return self.fee < 0

    def amount(self, currency: str) -> Money:
        """What the invoice line says, before tax: rounded once."""
        return round_line(charge_of(self), currency)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values, for the row of the change."""
        return {
            "component_id": str(self.component_id),
            "plan_name": self.plan_name,
            "name": self.name,
            "meter": self.meter,
            "fee": decimal_text(self.fee),
            "billed_days": self.billed_days,
            "period_days": self.period_days,
            "due": self.due.value,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> QuotedFee:
        """Read what `to_json` wrote."""
        return cls(
            component_id=UUID(values["component_id"]),
            plan_name=values["plan_name"],
            name=values["name"],
            meter=values["meter"],
            fee=Decimal(values["fee"]),
            billed_days=values["billed_days"],
            period_days=values["period_days"],
            due=FeeDue(values["due"]),
        )


def charge_of(fee: QuotedFee) -> Charge:
    """Return a fee as the charge that a rating run books, with its working."""
    component = Component(meter=fee.meter, model=PricingModel.FLAT, unit_price=fee.fee)
    usage = Usage(billed_days=fee.billed_days, period_days=fee.period_days)
    return rate_component(component, usage)
