"""The lines of a period that is rated again: all that is known now, less what was booked before.

Source: docs/domain/rerating.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from django.utils.translation import gettext as _

from apps.billing.enums import USAGE_RUNS, LineKind
from apps.billing.models import BillingPeriod, InvoiceLine, RatingRun
from apps.billing.services.rating import charge_row
from apps.core.money import Money
from apps.pricing.calculator import Charge, Step, StepCode
from apps.pricing.calculator.steps import decimal_text


def booked_lines(period: BillingPeriod) -> dict[UUID, list[InvoiceLine]]:
    """Return what was booked for each component of a period, the line of its closing first."""
    rows = InvoiceLine.objects.filter(
        charge__run__period=period, charge__run__kind__in=USAGE_RUNS
    ).select_related("charge__run")
    found: dict[UUID, list[InvoiceLine]] = {}
    for row in rows.order_by("charge__run__number"):
        if row.charge is not None:
            found.setdefault(row.charge.component_id, []).append(row)
    return found


def difference_lines(  # noqa: PLR0917 -- a row's facts
    run: RatingRun,
    period: BillingPeriod,
    component_id: UUID,
    name: str,
    charge: Charge,
    booked: Sequence[InvoiceLine],
) -> list[InvoiceLine]:
    """Store the charge of all that is known now, less what was booked; return its unsaved line, if that is not nothing."""
    currency = period.price_version.currency
    before = Money(sum(line.amount_minor for line in booked), currency)
    difference = Money.from_decimal(charge.amount, currency) - before
    row = charge_row(run, period, component_id, name, charge, currency)
    row.calculation = _less(row.calculation, charge.amount, before)
    row.amount = charge.amount - before.amount
    row.quantity = charge.quantity - sum(line.quantity for line in booked)
    row.save(force_insert=True)
    first = booked[0] if booked else None
    percent = first.tax_percent if first is not None else Decimal(0)
    tax = Money.from_decimal((before + difference).amount * percent / 100, currency)
    tax_minor = tax.amount_minor - sum(line.tax_minor for line in booked)
    if not difference.amount_minor and not tax_minor:
        return []
    return [
        InvoiceLine(
            consumer_organization_id=period.consumer_organization_id,
            provider_organization_id=period.provider_organization_id,
            charge=row,
            period=period,
            corrects=first,
            kind=LineKind.ADJUSTMENT,
            description=_described(first, name),
            quantity=row.quantity,
            amount_minor=difference.amount_minor,
            tax_percent=percent,
            tax_minor=tax_minor,
            currency=currency,
        )
    ]


def _less(calculation: Mapping[str, object], amount: Decimal, before: Money) -> dict[str, object]:
    """Return a calculation with the step that takes off what was booked."""
    taken = -before.amount
    step = Step(
        StepCode.BOOKED_BEFORE, amount=taken, quantity=Decimal(1), unit_price=taken
    ).to_json()
    steps = calculation["steps"]
    return {
        **calculation,
        "amount_exact": decimal_text(amount + taken),
        "steps": [*steps, step],  # type: ignore[misc]  # a list, as `explain` makes it
    }


def _described(first: InvoiceLine | None, name: str) -> str:
    what = first.description if first is not None else name
    return (_("%(line)s · usage that came late") % {"line": what})[:200]
