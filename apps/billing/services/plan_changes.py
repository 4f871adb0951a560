"""A change of plan in a running period: the period is cut, and its fees in advance are settled.

The period is cut at the start of the local day of the change: what lies before stays on the old price version, the day itself
and what follows go on the new one. A change on a period's first day has nothing to cut and swaps the version.

Source: docs/domain/plan-changes.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from apps.billing.enums import PeriodStatus, RunKind
from apps.billing.models import BillingPeriod, RatedCharge
from apps.billing.services.advance import book_fees, issue_soon
from apps.billing.services.quoted_discounts import discounts_by_line
from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.db import require_transaction
from apps.pricing.calculator import Step
from apps.subscriptions.calendar import numbered_period, period_number_at
from apps.subscriptions.change_discounts import QuotedDiscount
from apps.subscriptions.change_fees import FeeDue, QuotedFee
from apps.subscriptions.models import Subscription, SubscriptionChange
from apps.subscriptions.periods import local_date, start_of_day
from apps.subscriptions.running_periods import PrepaidDiscount, PrepaidFee, RunningPeriod


def book_plan_change(*, change: SubscriptionChange, starts_period: bool) -> BillingPeriod | None:
    """Let the running period follow a change of plan, and charge and give back what its quote says.

    Returns the part that runs from the change on; None where no period runs any more, because the change falls on its end:
    then the next one opens on the new version by itself. Part of the transaction of the change.
    """
    require_transaction()
    subscription = Subscription.objects.select_related("price_version").get(
        pk=change.subscription_id
    )
    running = _lock_running(subscription)
    at = change.effective_at
    if running is None or at >= running.period_end:
        return None
    fees = [QuotedFee.from_json(values) for values in (change.quote or {}).get("lines", ())]
    due = [fee for fee in fees if fee.due == FeeDue.NOW]
    given_back = [fee for fee in due if fee.is_credit]
    charged = [fee for fee in due if not fee.is_credit]
    discounts = [
        QuotedDiscount.from_json(values) for values in (change.quote or {}).get("discounts", ())
    ]
    taken_back = [item for item in discounts if item.is_returned]
    taken_off = [item for item in discounts if not item.is_returned]
    # Credits are booked on the old terms, and so before the cut.
    book_fees(period=running, kind=RunKind.CREDIT, fees=given_back, discounts=taken_back, at=at)
    running = _cut(running, subscription, at, starts_period=starts_period)
    book_fees(period=running, kind=RunKind.ADVANCE, fees=charged, discounts=taken_off, at=at)
    issue_soon(organization_id=running.consumer_organization_id)
    return running


def find_running_period(subscription: Subscription) -> RunningPeriod | None:
    """Return the open period of a subscription with the fees that were charged in advance and not given back."""
    period = (
        BillingPeriod.objects.filter(subscription=subscription, status=PeriodStatus.OPEN)
        .select_related("price_version__plan")
        .first()
    )
    if period is None:
        return None
    return RunningPeriod(
        span=period.span, whole=period.whole, prepaid=_prepaid_of(period), is_open=True
    )


def _prepaid_of(period: BillingPeriod) -> tuple[PrepaidFee, ...]:
    rows = RatedCharge.objects.filter(
        run__period=period, run__kind__in=(RunKind.ADVANCE, RunKind.CREDIT)
    ).select_related("run", "invoice_line")
    standing: dict[str, RatedCharge] = {}
    # In the order of booking: a credit takes the charge before it back.
    for row in sorted(rows, key=lambda row: row.run.number):
        if row.run.kind == RunKind.ADVANCE:
            standing[str(row.component_id)] = row
        else:
            standing.pop(str(row.component_id), None)
    plan_name = period.price_version.plan.name
    lowered = discounts_by_line(period) if standing else {}
    return tuple(
        _prepaid(row, plan_name, lowered.get(row.invoice_line.public_id, ()))
        for row in standing.values()
    )


def _prepaid(
    charge: RatedCharge, plan_name: str, discounts: Iterable[PrepaidDiscount]
) -> PrepaidFee:
    """Read the fee and its days from the charge's working: later edits of the plan must not change what is given back."""
    step = Step.from_json(charge.calculation["steps"][0])
    return PrepaidFee(
        component_id=charge.component_id,
        plan_name=plan_name,
        name=charge.name,
        meter=charge.meter,
        fee=step.unit_price or Decimal(0),
        billed_days=step.billed_days or 0,
        period_days=step.period_days or 1,
        tax_percent=charge.invoice_line.tax_percent,
        discounts=tuple(discounts),
    )


def _lock_running(subscription: Subscription) -> BillingPeriod | None:
    rows = BillingPeriod.objects.filter(subscription=subscription, status=PeriodStatus.OPEN)
    period_id = rows.values_list("pk", flat=True).first()
    return None if period_id is None else _reload(BillingPeriod.objects.lock(period_id))


def _cut(
    running: BillingPeriod, subscription: Subscription, at: datetime, *, starts_period: bool
) -> BillingPeriod:
    """Return the row that is billed on the new version: a new part, or the running row itself on its first day."""
    day_start = start_of_day(local_date(at, subscription.timezone), subscription.timezone)
    if day_start <= running.period_start:
        return _swap(running, subscription, at, starts_period=starts_period)
    whole = running.whole
    running.whole_start, running.whole_end = whole.start, whole.end
    running.period_end = day_start
    running.status, running.closing_since = PeriodStatus.CLOSING, clock.now()
    running.save()
    part = BillingPeriod(
        consumer_organization_id=running.consumer_organization_id,
        provider_organization_id=running.provider_organization_id,
        subscription=subscription,
        price_version_id=subscription.price_version_id,
        quantity=subscription.quantity,
        number=running.number,
        part=running.part + 1,
        period_start=day_start,
        period_end=whole.end,
        whole_start=whole.start,
        whole_end=whole.end,
    )
    if starts_period:
        _begin_anew(part, subscription, at)
    part.save(force_insert=True)
    _record(running, part)
    return _reload(part)


def _swap(
    running: BillingPeriod, subscription: Subscription, at: datetime, *, starts_period: bool
) -> BillingPeriod:
    running.price_version_id = subscription.price_version_id
    running.quantity = subscription.quantity
    if starts_period:
        _begin_anew(running, subscription, at)
    running.save()
    _record(running, running)
    return _reload(running)


def _begin_anew(period: BillingPeriod, subscription: Subscription, at: datetime) -> None:
    """Make a row the first period of a new interval: it ends as the new anchor says."""
    period.number, period.part = period_number_at(subscription, at), 0
    span = numbered_period(subscription, period.number)
    # A plan that follows the calendar joins a unit that has begun: its days are the denominator.
    is_short = span.start < period.period_start
    period.period_end = span.end
    period.whole_start = span.start if is_short else None
    period.whole_end = span.end if is_short else None


def _record(old: BillingPeriod, new: BillingPeriod) -> None:
    record_audit(
        action="billing:period:cut",
        target=old,
        actor=Actor.system("plan change"),
        organization_id=old.consumer_organization_id,
        after={
            "ends_at": old.period_end.isoformat(),
            "continues_as": new.public_id,
            "price_version": str(new.price_version_id),
            "quantity": new.quantity,
        },
    )


def _reload(period: BillingPeriod) -> BillingPeriod:
    rows = BillingPeriod.objects.select_related(
        "consumer_organization", "subscription__api", "price_version__plan"
    )
    return rows.get(pk=period.pk)
