"""Invoices: a draft collects what is due on one day; finalising numbers it and freezes it.

The gapless number is taken in the last statement of finalisation, so no number is lost to a rollback and the series is locked
for a moment only. The PDF and the payment follow through the outbox and can never block the number.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Sum

from apps.billing.constants import DUE_AFTER, LIVE_SERIES, SANDBOX_SERIES
from apps.billing.enums import InvoiceStatus, LineKind, PeriodStatus, RunKind
from apps.billing.events import InvoiceIssued, InvoicePaid
from apps.billing.models import (
    BillingPeriod,
    Invoice,
    InvoiceLine,
    RatedCharge,
    RatingRun,
)
from apps.billing.services.accounts import get_or_create_account
from apps.billing.services.carrying import settle_credits
from apps.billing.services.discounts import add_discounts
from apps.billing.services.earnings import accrue_earnings
from apps.billing.services.numbers import next_number
from apps.billing.topics import COLLECT_TOPIC, PDF_TOPIC
from apps.billing.transitions import INVOICE
from apps.core import clock, outbox
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.db import require_transaction
from apps.core.events import publish
from apps.core.money import Money
from apps.core.querysets import only_of
from apps.pricing.selectors import tax_percent_of
from apps.subscriptions.periods import local_date


def add_charges_to_draft(
    *, run: RatingRun, quantities: Mapping[str, Decimal] | None = None, day: date | None = None
) -> Invoice | None:
    """Put a run's charges, rounded once each, on the draft of the account's billing day, less what promotions take off.

    The billing day is the local day on which the period ended, so everything that ends on one day comes on one invoice; the
    parts of a cut period come together when the last one ends, and fees in advance name their day.

    Args:
        quantities: by meter, of the closing run; promotions act on it alone.
    Returns: the draft, or None for a run without charges: nobody gets an invoice without lines.
    Part of the caller's transaction.
    """
    require_transaction()
    charges = list(RatedCharge.objects.filter(run=run).order_by("id"))
    if not charges:
        return None
    period = run.period
    if day is None:
        day = _closing_day(period)
    invoice = draft_of(period, day)
    percent = tax_percent_of(country=period.consumer_organization.country, day=day)
    position = invoice.lines.aggregate(last=Max("position"))["last"] or 0
    lines = InvoiceLine.objects.bulk_create(
        _line_of(invoice, charge, run, position + number, percent)
        for number, charge in enumerate(charges, start=1)
    )
    if quantities is not None:
        add_discounts(invoice=invoice, lines=lines, quantities=quantities)
    add_up(invoice)
    return invoice


def _closing_day(period: BillingPeriod) -> date:
    end = period.period_end
    if period.whole_end not in {None, end}:
        later = BillingPeriod.objects.filter(
            subscription_id=period.subscription_id, number=period.number, part__gt=period.part
        )
        end = period.whole.end if later.exists() else end
    return local_date(end, period.subscription.timezone)


def draft_of(period: BillingPeriod, day: date) -> Invoice:
    """Return the locked draft of a billing day in the period's currency; a new one if there is none."""
    organization = period.consumer_organization
    invoice, _is_new = Invoice.objects.get_or_create(
        organization=organization,
        currency=period.price_version.currency,
        billing_day=day,
        status=InvoiceStatus.DRAFT,
        defaults={"is_sandbox": organization.is_sandbox},
    )
    return Invoice.objects.lock(invoice.pk)


def _line_of(  # noqa: PLR0917 -- a row's facts
    invoice: Invoice,
    charge: RatedCharge,
    run: RatingRun,
    position: int,
    percent: Decimal,
) -> InvoiceLine:
    period = run.period
    amount = Money.from_decimal(Decimal(charge.calculation["amount_exact"]), charge.currency)
    tax = Money.from_decimal(amount.amount * percent / 100, charge.currency)
    return InvoiceLine(
        invoice=invoice,
        consumer_organization_id=charge.consumer_organization_id,
        provider_organization_id=charge.provider_organization_id,
        charge=charge,
        period=period,
        kind=_kind_of(charge, run),
        position=position,
        description=_describe(charge, period)[:200],
        quantity=charge.quantity,
        amount_minor=amount.amount_minor,
        tax_percent=percent,
        tax_minor=tax.amount_minor,
        currency=charge.currency,
    )


def _kind_of(charge: RatedCharge, run: RatingRun) -> LineKind:
    if run.kind == RunKind.CREDIT:
        return LineKind.CREDIT
    return LineKind.FEE if charge.calculation["model"] == "flat" else LineKind.USAGE


def _describe(charge: RatedCharge, period: BillingPeriod) -> str:
    """Name what is charged by the plan that the period is billed on, which the subscription may have left since."""
    words = [period.subscription.api.name, period.price_version.plan.name, charge.name]
    if period.quantity > 1 and charge.calculation["model"] == "flat":
        words[-1] += f" × {period.quantity}"
    return " · ".join(words)


def add_up(invoice: Invoice) -> None:
    """Sum the rounded lines; nothing is rounded again."""
    sums = invoice.lines.aggregate(subtotal=Sum("amount_minor"), tax=Sum("tax_minor"))
    invoice.subtotal_minor, invoice.tax_minor = sums["subtotal"] or 0, sums["tax"] or 0
    invoice.total_minor = invoice.subtotal_minor + invoice.tax_minor
    invoice.save(update_fields=["subtotal_minor", "tax_minor", "total_minor", "updated_at"])


def finalize_due_drafts(*, actor: Actor, organization_id: UUID | None = None) -> int:
    """Issue every draft whose billing day has come and waits for no period any more; return how many.

    Only those of one organization where one is named.
    """
    issued = 0
    drafts = Invoice.objects.filter(status=InvoiceStatus.DRAFT).select_related("organization")
    for invoice in only_of(drafts, organization_id):
        if _has_come(invoice) and not _waits_for_period(invoice):
            finalize_invoice(invoice=invoice, actor=actor)
            issued += 1
    return issued


def _has_come(invoice: Invoice) -> bool:
    """Whether the billing day has begun anywhere; where it has not for the account, a period of that day still runs."""
    latest_day = local_date(clock.business_now(invoice.organization), "Etc/GMT-14")
    return invoice.billing_day <= latest_day


def _waits_for_period(invoice: Invoice) -> bool:
    """Whether a period of the account that ends on the draft's day runs or is being closed."""
    unfinished = BillingPeriod.objects.filter(
        consumer_organization_id=invoice.organization_id,
        price_version__currency=invoice.currency,
        status__in=(PeriodStatus.OPEN, PeriodStatus.CLOSING),
    ).select_related("subscription")
    return any(_closing_day(period) == invoice.billing_day for period in unfinished)


@transaction.atomic
def finalize_invoice(*, invoice: Invoice, actor: Actor) -> Invoice:
    """Issue a draft: freeze it, give it its number, and start its payment. Issuing again changes nothing.

    Publishes: InvoiceIssued; also InvoicePaid for an invoice of nothing.
    """
    invoice = Invoice.objects.lock(invoice.pk)
    if invoice.status != InvoiceStatus.DRAFT:
        return invoice
    INVOICE.require(InvoiceStatus(invoice.status), InvoiceStatus.OPEN)
    if settle_credits(invoice):
        add_up(invoice)
    account = get_or_create_account(organization=invoice.organization)
    invoice.seller = _seller()
    invoice.buyer = {
        "name": account.legal_name or invoice.organization.name,
        "address": account.address,
        "tax_id": account.tax_id,
        "country": invoice.organization.country,
    }
    invoice.issued_at = clock.business_now(invoice.organization)
    invoice.due_at = invoice.issued_at + DUE_AFTER
    invoice.status = InvoiceStatus.OPEN
    outbox.enqueue(PDF_TOPIC, {"invoice_id": str(invoice.pk)})
    publish(InvoiceIssued(invoice_id=invoice.pk, organization_id=invoice.organization_id))
    if invoice.total_minor > 0:
        outbox.enqueue(COLLECT_TOPIC, {"invoice_id": str(invoice.pk)}, key=str(invoice.pk))
    record_audit(
        action="billing:invoice:issued",
        target=invoice,
        actor=actor,
        organization_id=invoice.organization_id,
        after={"total": invoice.total},
    )
    invoice.number = next_number(SANDBOX_SERIES if invoice.is_sandbox else LIVE_SERIES)
    invoice.save()
    if invoice.total_minor <= 0:
        mark_invoice_paid(invoice=invoice, actor=actor)
    return invoice


def _seller() -> dict[str, Any]:
    """Return the operator as it stands on invoices from now on."""
    return {"name": settings.MARKETPLACE_NAME, "contact": settings.SUPPORT_EMAIL, **settings.SELLER}


@transaction.atomic
def mark_invoice_paid(*, invoice: Invoice, actor: Actor) -> Invoice:
    """Record that an invoice is paid in full, and what its providers earned. Again changes nothing.

    Publishes: InvoicePaid.
    """
    invoice = Invoice.objects.lock(invoice.pk)
    if invoice.status == InvoiceStatus.PAID:
        return invoice
    INVOICE.require(InvoiceStatus(invoice.status), InvoiceStatus.PAID)
    invoice.status, invoice.paid_minor = InvoiceStatus.PAID, invoice.total_minor
    invoice.paid_at = clock.business_now(invoice.organization)
    invoice.save(update_fields=["status", "paid_minor", "paid_at", "updated_at"])
    accrue_earnings(invoice=invoice)
    record_audit(
        action="billing:invoice:paid",
        target=invoice,
        actor=actor,
        organization_id=invoice.organization_id,
        after={"total": invoice.total},
    )
    outbox.enqueue(PDF_TOPIC, {"invoice_id": str(invoice.pk)})
    publish(InvoicePaid(invoice_id=invoice.pk, organization_id=invoice.organization_id))
    return invoice
