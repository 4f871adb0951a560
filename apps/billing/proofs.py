"""The proof of an invoice line: line → charge → steps → windows → calls, and the amount computed again.

What was stored is not trusted. The steps are redone from their own operands, and the charge is rated again from the
windows that its run counted; all must give the line's amount.

Source: docs/domain/billing.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from apps.billing.enums import USAGE_RUNS
from apps.billing.models import InvoiceLine, RatedCharge
from apps.billing.presentation import explain_line
from apps.billing.proof_usage import (
    CountedWindow,
    events_behind,
    priced_component,
    quantity_behind,
    usage_behind,
    windows_behind,
)
from apps.billing.services.discounts import discount_steps_amount
from apps.core.ids import parse_public_id
from apps.core.money import Money
from apps.pricing.calculator import (
    Component,
    PricingModel,
    Step,
    StepCode,
    StepMismatchError,
    Usage,
    rate_component,
    recompute,
)
from apps.pricing.models import PriceComponent
from apps.usage.models import UsageEvent
from apps.usage.selectors import (
    CallHistory,
)


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What comes out when the line is worked out again. None: it cannot be (no charge, or steps that contradict)."""

    from_steps: Decimal | None
    from_usage: Decimal | None
    windows_quantity: Decimal
    calls: int
    amount: Money | None
    is_proven: bool


@dataclass(frozen=True, slots=True)
class LineProof:
    """A line with everything behind it. `events` is not read yet: show it page by page."""

    line: InvoiceLine
    steps: list[Step]
    windows: list[CountedWindow]
    events: QuerySet[UsageEvent] | CallHistory
    recomputed: Recomputed


def prove_line(line: InvoiceLine) -> LineProof:
    """Lead a line back to its calls and compute it again. `selectors.get_line` loads what this needs."""
    steps = explain_line(line)
    windows = windows_behind(line)
    events = events_behind(line)
    return LineProof(line, steps, windows, events, _recompute(line, steps, windows, events))


def _recompute(
    line: InvoiceLine,
    steps: list[Step],
    windows: list[CountedWindow],
    events: QuerySet[UsageEvent] | CallHistory,
) -> Recomputed:
    if line.discount is not None:
        return _recompute_discount(line)
    from_steps, from_usage = _from_steps(steps), None
    quantity = quantity_behind(line, windows)
    priced = priced_component(line)
    before = _booked_before(steps)
    if line.charge is not None and line.charge.run.kind not in USAGE_RUNS:
        from_usage = _from_days(line.charge)
    elif priced is not None and line.period is not None:
        usage = usage_behind(line, priced, quantity, _waived(steps))
        if usage is not None:
            from_usage = rate_component(priced.component, usage).amount - before
    # All of it is rounded once, then what was booked is taken off.
    amount = (
        None
        if from_usage is None
        else Money.from_decimal(from_usage + before, line.currency)
        - Money.from_decimal(before, line.currency)
    )
    is_proven = (
        amount == line.amount
        and from_steps == from_usage
        and all(item.is_unchanged or item.is_rated_again for item in windows)
    )
    return Recomputed(from_steps, from_usage, quantity, events.count(), amount, is_proven)


def _recompute_discount(line: InvoiceLine) -> Recomputed:
    """Do a discount's working again, and look whether the lines that it names carry their shares."""
    working = line.discount or {}
    taken = discount_steps_amount(working, line.currency)
    if "booked_minor" in working:
        return _recompute_discount_difference(line, taken)
    shares = sum(share["amount_minor"] for share in working["lines"])
    named = {share["line"] for share in working["lines"]}
    rows = InvoiceLine.objects.filter(invoice_id=line.invoice_id, period_id=line.period_id)
    lowered = [row for row in rows if row.public_id in named]
    before = sum(row.amount_minor for row in lowered)
    is_proven = (
        -taken == line.amount
        and shares == taken.amount_minor
        and len(lowered) == len(named)
        and abs(taken.amount_minor) <= abs(before)
        and _is_of_its_line(working)
    )
    return Recomputed((-taken).amount, None, Decimal(0), 0, -taken, is_proven)


def _recompute_discount_difference(line: InvoiceLine, taken: Money) -> Recomputed:
    """Take off what the discounts before it took, whose lines are there to be read."""
    first = line.corrects
    earlier = [] if first is None else [first, *first.corrections.filter(pk__lt=line.pk)]
    before = Money(-sum(row.amount_minor for row in earlier), line.currency)
    difference = before - taken
    booked = Money((line.discount or {})["booked_minor"], line.currency)
    is_proven = difference == line.amount and booked == before
    return Recomputed(difference.amount, None, Decimal(0), 0, difference, is_proven)


def _is_of_its_line(working: Mapping[str, Any]) -> bool:
    """Whether a discount that is taken back was given: the line that gave it names the share."""
    returned = working.get("returned")
    if returned is None:
        return True
    key = parse_public_id(InvoiceLine.id_prefix, returned["line"])
    given = InvoiceLine.objects.filter(pk=key).first()
    if given is None or given.discount is None or returned["days"] > returned["of_days"]:
        return False
    shares = [share["amount_minor"] for share in given.discount["lines"]]
    return given.discount["promotion"] == working["promotion"] and working["base_minor"] in shares


def _booked_before(steps: list[Step]) -> Decimal:
    """Return what the working takes off because it was booked before."""
    taken = (step.amount for step in steps if step.code is StepCode.BOOKED_BEFORE)
    return -sum(taken, Decimal(0))


def _from_steps(steps: list[Step]) -> Decimal | None:
    if not steps:
        return None
    try:
        return recompute(steps)
    except StepMismatchError:
        return None  # the proof says so: `is_proven` is false


def _waived(steps: list[Step]) -> Decimal:
    """Return what the working says lies beyond the spend cap."""
    beyond = (step.quantity for step in steps if step.code is StepCode.BEYOND_SPEND_CAP)
    return sum((quantity or Decimal(0) for quantity in beyond), Decimal(0))


def _from_days(charge: RatedCharge) -> Decimal | None:
    """Rate a fee that was charged in advance, or given back: for the days and the units that the working names.

    None where the working's fee is no multiple of what the component costs.
    """
    row = PriceComponent.objects.filter(pk=charge.component_id).first()
    steps = [Step.from_json(step) for step in charge.calculation["steps"]]
    if row is None or row.flat_fee is None or len(steps) != 1:
        return None
    fee, days, whole = steps[0].unit_price, steps[0].billed_days, steps[0].period_days
    if fee is None or days is None or whole is None or (row.flat_fee and fee % row.flat_fee):
        return None
    component = Component(meter=charge.meter, model=PricingModel.FLAT, unit_price=fee)
    return rate_component(component, Usage(billed_days=days, period_days=whole)).amount
