"""The proof of an invoice line: line → charge → steps → windows → calls, and the amount computed again.

What was stored is not trusted. The steps are redone from their own operands, and the charge is rated again from the
windows that its run counted; all must give the line's amount.

Source: docs/domain/billing.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import QuerySet, prefetch_related_objects

from apps.billing.enums import RunKind
from apps.billing.event_tallies import tallies_of
from apps.billing.models import BillingPeriod, InvoiceLine, RatedCharge
from apps.billing.presentation import explain_line
from apps.billing.services.discounts import discount_steps_amount
from apps.billing.services.rating import days_of, priced_for
from apps.core.money import Money
from apps.pricing.calculator import (
    Component,
    Dimensions,
    PriceTable,
    PricingModel,
    Step,
    StepCode,
    StepMismatchError,
    Usage,
    priced_by,
    rate_component,
    recompute,
)
from apps.pricing.models import CALLS_METER, PriceComponent
from apps.usage.models import UsageEvent, UsageWindow
from apps.usage.selectors import (
    CallHistory,
    counted_events,
    dimensions_of,
    events_of,
    parts_of,
    quantities_in,
    windows_by_id,
)


@dataclass(frozen=True, slots=True)
class CountedWindow:
    """One hour behind a line: the revision that was billed, and the window as it is now."""

    window: UsageWindow
    billed_revision: int

    @property
    def is_unchanged(self) -> bool:
        """Whether the window is still what was billed."""
        return self.window.revision == self.billed_revision


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


@dataclass(frozen=True, slots=True)
class _PricedComponent:
    """The price of a line, among all of its price table."""

    table: PriceTable
    component: Component

    def takes(self, dimensions: Dimensions) -> bool:
        """Whether this price counts for a part of the meter's usage."""
        rivals = [item for item in self.table.components if item.meter == self.component.meter]
        return priced_by(rivals, dimensions) is self.component


def prove_line(line: InvoiceLine) -> LineProof:
    """Lead a line back to its calls and compute it again. `selectors.get_line` loads what this needs."""
    steps = explain_line(line)
    windows = _windows_of(line)
    events = _events_of(line)
    return LineProof(line, steps, windows, events, _recompute(line, steps, windows, events))


def _windows_of(line: InvoiceLine) -> list[CountedWindow]:
    if line.charge is None:
        return []
    revisions: dict[str, int] = line.charge.run.window_revisions
    rows = windows_by_id(revisions).filter(meter=line.charge.meter)
    found = [CountedWindow(row, revisions[str(row.pk)]) for row in rows]
    priced = _priced_component(line)
    if priced is None or not priced.table.has_parts(line.charge.meter):
        return found
    return [item for item in found if priced.takes(dimensions_of(item.window.dimensions))]


def _events_of(line: InvoiceLine) -> QuerySet[UsageEvent] | CallHistory:
    if line.charge is None or line.period is None or line.charge.meter != CALLS_METER:
        return UsageEvent.objects.none()
    span = line.period.charged
    return counted_events(line.period.subscription_id, span)


def _recompute(
    line: InvoiceLine,
    steps: list[Step],
    windows: list[CountedWindow],
    events: QuerySet[UsageEvent] | CallHistory,
) -> Recomputed:
    if line.discount is not None:
        return _recompute_discount(line)
    from_steps, from_usage = _from_steps(steps), None
    quantity = _quantity_of(line, windows)
    priced = _priced_component(line)
    if line.charge is not None and line.charge.run.kind != RunKind.CLOSING:
        from_usage = _from_days(line.charge)
    elif priced is not None and line.period is not None:
        usage = _usage_behind(line, priced, quantity, _waived(steps))
        from_usage = None if usage is None else rate_component(priced.component, usage).amount
    amount = None if from_usage is None else Money.from_decimal(from_usage, line.currency)
    is_proven = (
        amount == line.amount
        and from_steps == from_usage
        and all(item.is_unchanged for item in windows)
    )
    return Recomputed(from_steps, from_usage, quantity, events.count(), amount, is_proven)


def _recompute_discount(line: InvoiceLine) -> Recomputed:
    """Do a discount's working again, and look whether the lines that it names carry their shares."""
    working = line.discount or {}
    taken = discount_steps_amount(working, line.currency)
    shares = sum(share["amount_minor"] for share in working["lines"])
    named = {share["line"] for share in working["lines"]}
    rows = InvoiceLine.objects.filter(invoice_id=line.invoice_id, period_id=line.period_id)
    lowered = [row for row in rows if row.public_id in named]
    before = sum(row.amount_minor for row in lowered)
    is_proven = (
        -taken == line.amount
        and shares == taken.amount_minor
        and len(lowered) == len(named)
        and taken.amount_minor <= before
    )
    return Recomputed((-taken).amount, None, Decimal(0), 0, -taken, is_proven)


def _quantity_of(line: InvoiceLine, windows: list[CountedWindow]) -> Decimal:
    """Combine the line's windows again: calls add up, other meters as their aggregation wants it.

    Of a meter that is priced by dimension, the part that this line's price takes.
    """
    if line.charge is None or line.period is None:
        return Decimal(0)
    if line.charge.meter == CALLS_METER:
        return sum((item.window.quantity for item in windows), Decimal(0))
    span = line.period.charged
    quantities, meter = quantities_in(line.period.subscription_id, span), line.charge.meter
    priced = _priced_component(line)
    if priced is None or not priced.table.has_parts(meter):
        return quantities.get(meter, Decimal(0))
    parts = (part for part in parts_of(quantities, meter) if priced.takes(part.dimensions))
    return sum((part.quantity for part in parts), Decimal(0))


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


def _usage_behind(
    line: InvoiceLine, priced: _PricedComponent, quantity: Decimal, waived: Decimal
) -> Usage | None:
    """Return a line's usage as windows, and where its price asks for them events, say it. None: the two differ."""
    assert line.period is not None  # noqa: S101 -- for the type checker
    period, component = line.period, priced.component
    billed_days, period_days = days_of(period)
    count, tallies = None, None
    if component.needs_amounts:
        tallies = tallies_of(period, priced.table)[component.meter]
        if tallies[component.dimensions].raw.amount != quantity:
            return None
    elif component.counts_events:
        count = _events_behind(priced, period)
    return Usage(
        quantity=quantity,
        event_count=count,
        tallies=tallies,
        waived=waived,
        billed_days=billed_days,
        period_days=period_days,
    )


def _events_behind(priced: _PricedComponent, period: BillingPeriod) -> int | None:
    """Return how many events are behind a line: of a meter that is priced by dimension, those of its part."""
    quantities = quantities_in(period.subscription_id, period.charged)
    meter = priced.component.meter
    if not priced.table.has_parts(meter):
        return events_of(quantities, meter)
    parts = (part for part in parts_of(quantities, meter) if priced.takes(part.dimensions))
    return sum(part.event_count or 0 for part in parts)


def _priced_component(line: InvoiceLine) -> _PricedComponent | None:
    """Return the price that a line was made with; no query once the version's prices are loaded."""
    if line.charge is None or line.period is None:
        return None
    period, version = line.period, line.period.price_version
    prefetch_related_objects([version], "components__tiers")
    table = priced_for(period)
    for row, component in zip(version.components.all(), table.components, strict=True):
        if row.pk == line.charge.component_id:
            return _PricedComponent(table, component)
    return None


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
