"""Fees in advance: charged on the day on which a period opens, not when it ends.

A run of its own books them, so that they are proven like any other line; the closing run leaves out what they cover. A trial
pays nothing, so its fees are charged when it becomes paid service.

Source: docs/domain/plan-changes.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from apps.billing.enums import InvoiceStatus, RunKind
from apps.billing.models import BillingPeriod, Invoice, RatedCharge, RatingRun
from apps.billing.services.invoices import add_charges_to_draft
from apps.billing.services.rating import (
    add_run,
    billed_in_advance,
    charge_row,
    days_of,
    priced_for,
)
from apps.core import jobs
from apps.core.actors import Actor
from apps.core.db import require_transaction
from apps.pricing.calculator import Usage, rate_component
from apps.pricing.enums import PriceModel
from apps.pricing.models import PriceComponent
from apps.subscriptions.change_fees import QuotedFee, charge_of
from apps.subscriptions.enums import SubscriptionStatus
from apps.subscriptions.periods import local_date


def bill_in_advance(*, period: BillingPeriod, at: datetime | None = None) -> RatingRun | None:
    """Charge the fees that a period's price version bills in advance, once. Part of the caller's transaction.

    Args:
        period: an open one, locked.
        at: the business time of the charge, whose local day is the billing day; by default the period's start.
    """
    require_transaction()
    if period.subscription.status == SubscriptionStatus.TRIALING:
        return None
    rows = [row for row in period.price_version.components.all() if is_in_advance(row)]
    if not rows or billed_in_advance(period):
        return None
    billed_days, period_days = days_of(period)
    by_id = dict(
        zip(
            [row.pk for row in period.price_version.components.all()],
            priced_for(period).components,
            strict=True,
        )
    )
    run = add_run(period, RunKind.ADVANCE)
    usage = Usage(billed_days=billed_days, period_days=period_days)
    currency = period.price_version.currency
    RatedCharge.objects.bulk_create(
        charge_row(run, period, row.pk, row.name, rate_component(by_id[row.pk], usage), currency)
        for row in rows
    )
    day = local_date(at or period.period_start, period.subscription.timezone)
    add_charges_to_draft(run=run, day=day)
    return run


def book_fees(
    *, period: BillingPeriod, kind: RunKind, fees: Iterable[QuotedFee], at: datetime
) -> RatingRun | None:
    """Put quoted fees of one kind on the draft of the day of `at`. Part of the caller's transaction."""
    require_transaction()
    fees = list(fees)
    if not fees:
        return None
    run = add_run(period, kind)
    currency = period.price_version.currency
    RatedCharge.objects.bulk_create(
        charge_row(run, period, fee.component_id, fee.name, charge_of(fee), currency)
        for fee in fees
    )
    add_charges_to_draft(run=run, day=local_date(at, period.subscription.timezone))
    return run


def issue_soon(*, organization_id: UUID) -> None:
    """Let the account's drafts be issued once this transaction is committed, not at the next scheduled run."""
    drafts = Invoice.objects.filter(organization_id=organization_id, status=InvoiceStatus.DRAFT)
    if drafts.exists():
        jobs.enqueue("billing.issue_due_drafts", actor=Actor.system("fees in advance"))


def is_in_advance(component: PriceComponent) -> bool:
    """Whether a component is a fee that is charged when the period opens."""
    return component.billed_in_advance and component.model == PriceModel.FLAT
