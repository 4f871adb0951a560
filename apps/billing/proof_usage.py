"""What usage is behind an invoice line: its windows as they were billed, its calls, and the quantities that they give.

Source: docs/domain/billing.md, docs/domain/rerating.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import QuerySet, prefetch_related_objects

from apps.billing.enums import USAGE_RUNS, RunKind
from apps.billing.event_tallies import tallies_of
from apps.billing.models import BillingPeriod, InvoiceLine, RatingRun
from apps.billing.services.rating import days_of, priced_for
from apps.pricing.calculator import Component, Dimensions, PriceTable, Usage, priced_by
from apps.pricing.models import CALLS_METER
from apps.usage.models import UsageEvent, UsageWindow
from apps.usage.selectors import (
    CallHistory,
    counted_events,
    dimensions_of,
    events_of,
    parts_of,
    quantities_in,
    settled_events,
    windows_by_id,
)


@dataclass(frozen=True, slots=True)
class CountedWindow:
    """One hour behind a line: the revision and quantity that were billed, and the window as it is now.

    `is_rated_again`: it was revised since, and a later run of the period booked the difference.
    """

    window: UsageWindow
    billed_revision: int
    billed_quantity: Decimal
    is_rated_again: bool = False

    @property
    def is_unchanged(self) -> bool:
        """Whether the window is still what was billed."""
        return self.window.revision == self.billed_revision


@dataclass(frozen=True, slots=True)
class PricedComponent:
    """The price of a line, among all of its price table."""

    table: PriceTable
    component: Component

    def takes(self, dimensions: Dimensions) -> bool:
        """Whether this price counts for a part of the meter's usage."""
        rivals = [item for item in self.table.components if item.meter == self.component.meter]
        return priced_by(rivals, dimensions) is self.component


def _later_runs(run: RatingRun) -> list[RatingRun]:
    """Return the runs that rated the period again after this one, in their order."""
    rows = RatingRun.objects.filter(
        period_id=run.period_id, kind=RunKind.RERATING, number__gt=run.number
    )
    return list(rows.order_by("number"))


def windows_behind(line: InvoiceLine) -> list[CountedWindow]:
    if line.charge is None:
        return []
    revisions: dict[str, int] = line.charge.run.window_revisions
    rows = list(windows_by_id(revisions).filter(meter=line.charge.meter))
    have_changed = any(row.revision != revisions[str(row.pk)] for row in rows)
    later = _later_runs(line.charge.run) if have_changed else []
    found = [_counted(row, revisions[str(row.pk)], later) for row in rows]
    priced = priced_component(line)
    if priced is None or not priced.table.has_parts(line.charge.meter):
        return found
    return [item for item in found if priced.takes(dimensions_of(item.window.dimensions))]


def _counted(window: UsageWindow, revision: int, later: list[RatingRun]) -> CountedWindow:
    """Return a window as it was billed: what a later run found in its place, where it was revised."""
    if window.revision != revision:
        for run in later:
            former = run.basis["superseded"].get(str(window.pk))
            if former is not None and former["revision"] == revision:
                return CountedWindow(
                    window, revision, Decimal(former["quantity"]), is_rated_again=True
                )
    return CountedWindow(window, revision, window.quantity)


def events_behind(line: InvoiceLine) -> QuerySet[UsageEvent] | CallHistory:
    if line.charge is None or line.period is None or line.charge.meter != CALLS_METER:
        return UsageEvent.objects.none()
    if line.charge.run.kind == RunKind.RERATING:
        return settled_events(
            line.period.subscription_id, line.period.span, line.charge.run.rated_at
        )
    span = line.period.charged
    return counted_events(line.period.subscription_id, span)


def quantity_behind(line: InvoiceLine, windows: list[CountedWindow]) -> Decimal:
    """Combine the line's windows again: calls add up, other meters as their aggregation wants it.

    Of a meter that is priced by dimension, the part that this line's price takes.
    """
    if line.charge is None or line.period is None:
        return Decimal(0)
    if line.charge.meter == CALLS_METER:
        return sum((item.billed_quantity for item in windows), Decimal(0))
    quantities, meter = _quantities_of(line.charge.run, line.period), line.charge.meter
    priced = priced_component(line)
    if priced is None or not priced.table.has_parts(meter):
        return quantities.get(meter, Decimal(0))
    parts = (part for part in parts_of(quantities, meter) if priced.takes(part.dimensions))
    return sum((part.quantity for part in parts), Decimal(0))


def _quantities_of(run: RatingRun, period: BillingPeriod) -> dict[str, Decimal]:
    """Return what the windows give, or gave before a later run revised them."""
    later = _later_runs(run) if run.kind in USAGE_RUNS else []
    if not later:
        return quantities_in(period.subscription_id, period.charged)
    return {key: Decimal(value) for key, value in later[0].basis["before"].items()}


def usage_behind(
    line: InvoiceLine, priced: PricedComponent, quantity: Decimal, waived: Decimal
) -> Usage | None:
    """Return a line's usage as windows, and where its price asks for them events, say it. None: the two differ."""
    assert line.period is not None and line.charge is not None  # noqa: S101,PT018 -- for the type checker
    period, component = line.period, priced.component
    billed_days, period_days = days_of(period)
    count, tallies = None, None
    if component.needs_amounts:
        known_at = line.charge.run.rated_at
        tallies = tallies_of(period, priced.table, known_at=known_at)[component.meter]
        if tallies[component.dimensions].raw.amount != quantity:
            return None
    elif component.counts_events:
        count = _event_count(priced, line.charge.run, period)
    return Usage(
        quantity=quantity,
        event_count=count,
        tallies=tallies,
        waived=waived,
        billed_days=billed_days,
        period_days=period_days,
    )


def _event_count(priced: PricedComponent, run: RatingRun, period: BillingPeriod) -> int | None:
    """Return how many events are behind a line: of a meter that is priced by dimension, those of its part."""
    quantities = _quantities_of(run, period)
    meter = priced.component.meter
    if not priced.table.has_parts(meter):
        return events_of(quantities, meter)
    parts = (part for part in parts_of(quantities, meter) if priced.takes(part.dimensions))
    return sum(part.event_count or 0 for part in parts)


def priced_component(line: InvoiceLine) -> PricedComponent | None:
    """Return the price that a line was made with; no query once the version's prices are loaded."""
    if line.charge is None or line.period is None:
        return None
    period, version = line.period, line.period.price_version
    prefetch_related_objects([version], "components__tiers")
    table = priced_for(period)
    for row, component in zip(version.components.all(), table.components, strict=True):
        if row.pk == line.charge.component_id:
            return PricedComponent(table, component)
    return None
