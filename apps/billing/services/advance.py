"""Fees in advance: charged on the day on which a period opens, not when it ends.

A run of its own books them, so that they are proven like any other line; the closing run leaves out what they cover. A trial
pays nothing, so its fees are charged when it becomes paid service.

Source: docs/domain/plan-changes.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from apps.billing.enums import InvoiceStatus, RunKind
from apps.billing.models import BillingPeriod, Invoice, RatedCharge, RatingRun
from apps.billing.services.drafts import Booking, add_to_drafts
from apps.billing.services.rating import (
    NewRun,
    PriceTables,
    Rated,
    add_run,
    add_runs,
    billed_in_advance,
    charge_row,
    days_of,
)
from apps.core import jobs
from apps.core.actors import Actor
from apps.core.db import require_transaction
from apps.pricing.calculator import PriceTable, Usage, rate_component
from apps.pricing.enums import PriceModel
from apps.pricing.models import PriceComponent
from apps.subscriptions.change_discounts import QuotedDiscount
from apps.subscriptions.change_fees import QuotedFee, charge_of
from apps.subscriptions.enums import SubscriptionStatus
from apps.subscriptions.periods import local_date


def bill_in_advance(*, period: BillingPeriod, at: datetime | None = None) -> None:
    """Charge the fees of one period; see `bill_all_in_advance`.

    Args:
        at: the business time of the charge, whose local day is the billing day; by default the period's start.
    """
    bill_all_in_advance([period], at=at)


def bill_all_in_advance(periods: Iterable[BillingPeriod], *, at: datetime | None = None) -> None:
    """Charge the fees that the price versions of periods bill in advance, once. Part of the caller's transaction.

    The periods are open and locked. Where prices are prefetched, the number of queries does not depend on that of periods.
    """
    require_transaction()
    prepaid = [period for period in periods if _is_prepaid(period)]
    if not prepaid:
        return
    billed = billed_in_advance(prepaid)
    due = [period for period in prepaid if not billed[period.pk]]
    tables = PriceTables()
    rated = [
        Rated(run, _fees_of(run, tables.of(run.period)))
        for run in add_runs([NewRun(period=period, kind=RunKind.ADVANCE) for period in due])
    ]
    RatedCharge.objects.bulk_create(charge for each in rated for charge in each.charges)
    add_to_drafts(
        Booking(
            run=each.run,
            charges=each.charges,
            day=local_date(
                at or each.run.period.period_start, each.run.period.subscription.timezone
            ),
        )
        for each in rated
    )


def _is_prepaid(period: BillingPeriod) -> bool:
    """Whether a fee of a period is charged when it opens: not in a trial."""
    if period.subscription.status == SubscriptionStatus.TRIALING:
        return False
    return any(is_in_advance(row) for row in period.price_version.components.all())


def _fees_of(run: RatingRun, table: PriceTable) -> list[RatedCharge]:
    """Return the unsaved charges of a run of fees in advance."""
    period = run.period
    billed_days, period_days = days_of(period)
    usage = Usage(billed_days=billed_days, period_days=period_days)
    return [
        charge_row(run, period, row.pk, row.name, rate_component(priced, usage), table.currency)
        for row, priced in zip(period.price_version.components.all(), table.components, strict=True)
        if is_in_advance(row)
    ]


def book_fees(
    *,
    period: BillingPeriod,
    kind: RunKind,
    fees: Iterable[QuotedFee],
    discounts: Sequence[QuotedDiscount] = (),
    at: datetime,
) -> RatingRun | None:
    """Put quoted fees of one kind, and what promotions do to them, on the draft of the day of `at`. Part of the caller's transaction."""
    require_transaction()
    fees = list(fees)
    if not fees:
        return None
    run = add_run(period, kind)
    currency = period.price_version.currency
    charges = RatedCharge.objects.bulk_create(
        charge_row(run, period, fee.component_id, fee.name, charge_of(fee), currency)
        for fee in fees
    )
    day = local_date(at, period.subscription.timezone)
    add_to_drafts([Booking(run=run, charges=charges, day=day, quoted=discounts)])
    return run


def issue_soon(*, organization_id: UUID) -> None:
    """Let the account's drafts be issued once this transaction is committed, not at the next scheduled run."""
    drafts = Invoice.objects.filter(organization_id=organization_id, status=InvoiceStatus.DRAFT)
    if drafts.exists():
        jobs.enqueue("billing.issue_due_drafts", actor=Actor.system("fees in advance"))


def is_in_advance(component: PriceComponent) -> bool:
    """Whether a component is a fee that is charged when the period opens."""
    return component.billed_in_advance and component.model == PriceModel.FLAT
