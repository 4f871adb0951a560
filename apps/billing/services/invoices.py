"""Invoices: a draft collects what is due on one day; finalising numbers it and freezes it.

The gapless number is taken in the last statement of finalisation, so no number is lost to a rollback and the series is locked
for a moment only. The PDF and the payment follow through the outbox and can never block the number.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q

from apps.billing.constants import DUE_AFTER, LIVE_SERIES, SANDBOX_SERIES
from apps.billing.enums import InvoiceStatus, PeriodStatus
from apps.billing.events import InvoiceIssued, InvoicePaid
from apps.billing.models import BillingPeriod, Invoice
from apps.billing.services.accounts import get_or_create_accounts
from apps.billing.services.carrying import settle_credits, with_credits
from apps.billing.services.drafts import DraftKey, add_up, closing_day
from apps.billing.services.earnings import accrue_earnings
from apps.billing.services.numbers import next_numbers
from apps.billing.topics import COLLECT_TOPIC, PDF_TOPIC
from apps.billing.transitions import INVOICE
from apps.core import clock, jobs, outbox
from apps.core.actors import Actor
from apps.core.audit import AuditEntry, record_audits
from apps.core.batches import work_off
from apps.core.dead_letters import bury, resolve_done, retries
from apps.core.events import publish_all
from apps.core.models import DeadLetter
from apps.core.querysets import only_of
from apps.subscriptions.periods import local_date

logger = structlog.get_logger(__name__)

ISSUED: Final = ("seller", "buyer", "issued_at", "due_at", "status", "number", "updated_at")
PAID: Final = ("status", "paid_minor", "paid_at", "updated_at")
DRAFT_SOURCE: Final = "billing.draft"


def finalize_due_drafts(*, actor: Actor, organization_id: UUID | None = None) -> int:
    """Issue every draft whose billing day has come and waits for no period any more; return how many.

    Only those of one organization where one is named. A draft that cannot be issued becomes a dead letter; the others go on.
    """
    drafts = Invoice.objects.filter(status=InvoiceStatus.DRAFT)
    keys = only_of(drafts, organization_id).order_by("billing_day", "pk")
    issued: list[UUID] = []
    credited: list[UUID] = []

    def issue(batch: Sequence[UUID], *, wait: bool) -> list[UUID]:
        done = _issue_due(batch, wait=wait, actor=actor)
        issued.extend(done.issued)
        credited.extend(done.credited)
        return done.seen

    work_off(list(keys.values_list("pk", flat=True)), issue, report=_report)
    # One after the other: what one invoice carries on, another may take off, and names its number.
    work_off(credited.copy(), issue, report=_report, batch_size=1)
    return len(issued)


def _report(key: UUID, error: Exception) -> None:
    invoice = Invoice.objects.get(pk=key)
    is_new = bury(
        source=DRAFT_SOURCE,
        reference=invoice.public_id,
        payload={"billing_day": invoice.billing_day.isoformat()},
        error=error,
        organization_id=invoice.organization_id,
    )
    logger.log(
        logging.ERROR if is_new else logging.INFO,
        "billing.draft_not_issued",
        invoice_id=invoice.public_id,
        exc_info=error,
    )


@retries(DRAFT_SOURCE)
def retry_draft(_letter: DeadLetter) -> None:
    """Issue what is due once more."""
    jobs.enqueue("billing.issue_due_drafts", actor=Actor.system("dead letters"))


@dataclass(frozen=True, slots=True)
class _Issued:
    """What became of a batch of drafts: which were seen, which issued, and which wait for a turn of their own."""

    seen: list[UUID]
    issued: list[UUID]
    credited: list[UUID]


@transaction.atomic
def _issue_due(keys: Sequence[UUID], *, wait: bool, actor: Actor) -> _Issued:
    """Issue those of some drafts that are due; in a batch of several only those that no credit touches."""
    rows = Invoice.objects.filter(pk__in=keys, status=InvoiceStatus.DRAFT).order_by("pk")
    rows = rows.select_for_update(of=("self",), no_key=True, skip_locked=not wait)
    drafts = list(rows.select_related("organization"))
    come = [invoice for invoice in drafts if _has_come(invoice)]
    unfinished = _unfinished_days(come)
    due = [invoice for invoice in come if _key_of(invoice) not in unfinished]
    credited: list[Invoice] = []
    if len(due) == 1:
        _settle(due[0])
    elif due:
        credited = with_credits(due)
        due = [invoice for invoice in due if invoice not in credited]
    _issue(sorted(due, key=lambda invoice: (invoice.billing_day, invoice.pk)), actor)
    return _Issued(
        seen=[invoice.pk for invoice in drafts],
        issued=[invoice.pk for invoice in due],
        credited=[invoice.pk for invoice in credited],
    )


def _settle(invoice: Invoice) -> None:
    if settle_credits(invoice):
        add_up([invoice])


def _has_come(invoice: Invoice) -> bool:
    """Whether the billing day has begun anywhere; where it has not for the account, a period of that day still runs."""
    latest_day = local_date(clock.business_now(invoice.organization), "Etc/GMT-14")
    return invoice.billing_day <= latest_day


def _key_of(invoice: Invoice) -> DraftKey:
    return DraftKey(invoice.organization_id, invoice.currency, invoice.billing_day)


def _unfinished_days(drafts: Sequence[Invoice]) -> set[DraftKey]:
    """Return the days of accounts on which a period ends that runs or is being closed. One query, and one per part of a period."""
    if not drafts:
        return set()
    days = [invoice.billing_day for invoice in drafts]
    # Whatever the time zone, the day lies within these instants.
    first = datetime.combine(min(days), time.min, UTC) - timedelta(days=1)
    last = datetime.combine(max(days), time.min, UTC) + timedelta(days=2)
    unfinished = BillingPeriod.objects.filter(
        Q(period_end__range=(first, last)) | Q(whole_end__range=(first, last)),
        consumer_organization__in={invoice.organization_id for invoice in drafts},
        status__in=(PeriodStatus.OPEN, PeriodStatus.CLOSING),
    )
    return {
        DraftKey(
            period.consumer_organization_id, period.price_version.currency, closing_day(period)
        )
        for period in unfinished.select_related("subscription", "price_version")
    }


@transaction.atomic
def finalize_invoice(*, invoice: Invoice, actor: Actor) -> Invoice:
    """Issue a draft: freeze it, give it its number, and start its payment. Issuing again changes nothing.

    Publishes: InvoiceIssued; also InvoicePaid for an invoice of nothing.
    """
    invoice = Invoice.objects.lock(invoice.pk)
    if invoice.status == InvoiceStatus.DRAFT:
        _settle(invoice)
        _issue([invoice], actor)
    return invoice


def _issue(invoices: Sequence[Invoice], actor: Actor) -> None:
    """Issue locked drafts whose credits are settled, numbered in this order. The number of queries does not depend on theirs."""
    if not invoices:
        return
    organizations = {row.organization_id: row.organization for row in invoices}
    accounts = get_or_create_accounts(organizations.values())
    for invoice in invoices:
        INVOICE.require(InvoiceStatus(invoice.status), InvoiceStatus.OPEN)
        account = accounts[invoice.organization_id]
        invoice.seller = _seller()
        invoice.buyer = {
            "name": account.legal_name or invoice.organization.name,
            "address": account.address,
            "tax_id": account.tax_id,
            "country": invoice.organization.country,
        }
        invoice.issued_at = clock.business_now(invoice.organization)
        invoice.due_at = invoice.issued_at + DUE_AFTER
        invoice.status, invoice.updated_at = InvoiceStatus.OPEN, clock.now()
    _announce("billing:invoice:issued", InvoiceIssued, invoices, actor)
    owed = [str(invoice.pk) for invoice in invoices if invoice.total_minor > 0]
    outbox.enqueue_all(
        [outbox.Message(COLLECT_TOPIC, {"invoice_id": key}, key=key) for key in owed]
    )
    references = [invoice.public_id for invoice in invoices]
    resolve_done(source=DRAFT_SOURCE, references=references, actor=actor)
    for series in (LIVE_SERIES, SANDBOX_SERIES):
        members = [row for row in invoices if row.is_sandbox == (series == SANDBOX_SERIES)]
        numbers = next_numbers(series, len(members)) if members else []
        for invoice, number in zip(members, numbers, strict=True):
            invoice.number = number
    Invoice.objects.bulk_update(invoices, ISSUED)
    _pay([invoice for invoice in invoices if invoice.total_minor <= 0], actor)


def _seller() -> dict[str, Any]:
    """Return the operator as it stands on invoices from now on."""
    return {"name": settings.MARKETPLACE_NAME, "contact": settings.SUPPORT_EMAIL, **settings.SELLER}


@transaction.atomic
def mark_invoice_paid(*, invoice: Invoice, actor: Actor) -> Invoice:
    """Record that an invoice is paid in full, and what its providers earned. Again changes nothing.

    Publishes: InvoicePaid.
    """
    invoice = Invoice.objects.lock(invoice.pk)
    if invoice.status != InvoiceStatus.PAID:
        _pay([invoice], actor)
    return invoice


def _pay(invoices: Sequence[Invoice], actor: Actor) -> None:
    """Record that locked invoices are paid in full. The number of queries does not depend on theirs."""
    if not invoices:
        return
    for invoice in invoices:
        INVOICE.require(InvoiceStatus(invoice.status), InvoiceStatus.PAID)
        invoice.status, invoice.paid_minor = InvoiceStatus.PAID, invoice.total_minor
        invoice.paid_at = clock.business_now(invoice.organization)
        invoice.updated_at = clock.now()
    Invoice.objects.bulk_update(invoices, PAID)
    accrue_earnings(invoices=invoices)
    _announce("billing:invoice:paid", InvoicePaid, invoices, actor)


def _announce(
    action: str,
    event: type[InvoiceIssued | InvoicePaid],
    invoices: Sequence[Invoice],
    actor: Actor,
) -> None:
    """Write the trail, have the PDF made and tell whoever listens."""
    outbox.enqueue_all(
        [outbox.Message(PDF_TOPIC, {"invoice_id": str(invoice.pk)}) for invoice in invoices]
    )
    publish_all(
        event(invoice_id=invoice.pk, organization_id=invoice.organization_id)
        for invoice in invoices
    )
    entries = [
        AuditEntry(
            target=invoice,
            organization_id=invoice.organization_id,
            after={"total": invoice.total},
        )
        for invoice in invoices
    ]
    record_audits(action=action, entries=entries, actor=actor)
