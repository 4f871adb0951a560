"""Reads of this app. Lists hold what is the actor's own organization's; single rows are looked up with `visible_to`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import Count, Min, Model, Q, QuerySet, Sum

from apps.accounts.selectors import get_current_organization
from apps.billing.enums import EarningStatus, InvoiceStatus, PeriodStatus
from apps.billing.models import (
    BillingPeriod,
    CreditNote,
    CreditNoteLine,
    Earning,
    Invoice,
    InvoiceLine,
    Payment,
    PaymentMethod,
    Refund,
    TwoSidedQuerySet,
)
from apps.core import clock
from apps.core.actors import Actor
from apps.core.exceptions import NotFound
from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.core.models import AuditEvent
from apps.core.money import Money
from apps.core.querysets import TenantQuerySet

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class CurrencyTotal:
    """A sum of one currency, and how many rows are in it."""

    amount: Money
    count: int


@dataclass(frozen=True, slots=True)
class Receivables:
    """What an organization still has to pay, per currency; overdue is a part of open."""

    open: list[CurrencyTotal]
    overdue: list[CurrencyTotal]


@dataclass(frozen=True, slots=True)
class EarningTotals:
    """A provider's money in one currency: gross less fees is accrued, then payable, then paid out.

    All are after refunds; `refunded` is the part of the gross that went back to consumers.
    """

    currency: str
    is_sandbox: bool
    gross: Money
    fees: Money
    accrued: Money
    payable: Money
    paid: Money
    refunded: Money
    next_payable_at: datetime | None


def list_invoices(actor: Actor, *, status: str = "") -> QuerySet[Invoice]:
    """Return the organization's invoices, newest first; `overdue` is a status here, too."""
    rows = _own(Invoice.objects.visible_to(actor), actor).select_related("organization")
    if status == "overdue":
        return rows.filter(status=InvoiceStatus.OPEN, due_at__lt=_business_now(actor))
    return rows.filter(status=status) if status else rows


def get_invoice(actor: Actor, public_id: str) -> Invoice:
    """Return one invoice.

    Raises:
        NotFound: unknown, or another organization's.
    """
    rows = Invoice.objects.select_related("organization")
    return rows.get_visible(actor, public_id)


def list_lines(invoice: Invoice) -> QuerySet[InvoiceLine]:
    """Return an invoice's lines in order, each with its charge and its period."""
    return invoice.lines.select_related(
        "charge", "period__subscription__api", "period__subscription__plan"
    ).order_by("position")


def get_line(actor: Actor, public_id: str) -> InvoiceLine:
    """Return one line with everything that its proof starts from.

    Raises:
        NotFound: unknown, or another organization's.
    """
    rows = InvoiceLine.objects.select_related(
        "invoice__organization",
        "charge__run",
        "period__subscription__api",
        "period__price_version",
    )
    return rows.get_visible(actor, public_id)


def list_payment_methods(actor: Actor) -> QuerySet[PaymentMethod]:
    """Return the organization's saved methods that are in use, the default one first."""
    rows = _own(PaymentMethod.objects.visible_to(actor), actor)
    return rows.filter(detached_at__isnull=True).order_by("-is_default", "-id")


def get_payment_method(actor: Actor, public_id: str) -> PaymentMethod:
    """Return one saved method that is in use.

    Raises:
        NotFound: unknown, removed, or another organization's.
    """
    return _get(list_payment_methods(actor), public_id)


def list_payments(actor: Actor) -> QuerySet[Payment]:
    """Return the organization's payments, newest first, with what they paid and how."""
    rows = _own(Payment.objects.visible_to(actor), actor)
    return rows.select_related("invoice", "method")


def get_payment(actor: Actor, public_id: str) -> Payment:
    """Return one payment.

    Raises:
        NotFound: unknown, or another organization's.
    """
    rows = Payment.objects.select_related("invoice__organization", "method")
    return rows.get_visible(actor, public_id)


def payments_of(invoice: Invoice) -> QuerySet[Payment]:
    """Return the attempts to pay an invoice, newest first."""
    return invoice.payments.select_related("method").order_by("-id")


def history_of(invoice: Invoice) -> QuerySet[AuditEvent]:
    """Return what happened to an invoice, its payments and its refunds, newest first."""
    targets = [
        invoice.pk,
        *invoice.payments.values_list("pk", flat=True),
        *invoice.refunds.values_list("pk", flat=True),
    ]
    return AuditEvent.objects.filter(
        target_type__in=("billing.invoice", "billing.payment", "billing.refund"),
        target_id__in=targets,
    ).order_by("-occurred_at", "-id")


def list_refunds(actor: Actor) -> QuerySet[Refund]:
    """Return the refunds that the organization asked for, newest first."""
    return _own(Refund.objects.visible_to(actor), actor).select_related("invoice", "credit_note")


def list_every_refund(*, status: str = "") -> QuerySet[Refund]:
    """Return the refunds of all organizations, for finance, newest first."""
    rows = Refund.objects.select_related("organization", "invoice", "credit_note").order_by("-id")
    return rows.filter(status=status) if status else rows


def get_refund(actor: Actor, public_id: str) -> Refund:
    """Return one refund.

    Raises:
        NotFound: unknown, or another organization's.
    """
    rows = Refund.objects.select_related("invoice__organization", "payment", "credit_note")
    return rows.get_visible(actor, public_id)


def refunds_of(invoice: Invoice) -> QuerySet[Refund]:
    """Return what was asked back of an invoice, newest first, with the documents."""
    return invoice.refunds.select_related("credit_note").order_by("-id")


def earlier_refunds(refund: Refund) -> QuerySet[Refund]:
    """Return what was asked back of the same invoice before, newest first."""
    return refunds_of(refund.invoice).filter(pk__lt=refund.pk)


def list_credit_notes(actor: Actor) -> QuerySet[CreditNote]:
    """Return the organization's credit notes, newest first."""
    return _own(CreditNote.objects.visible_to(actor), actor).select_related("invoice", "refund")


def get_credit_note(actor: Actor, public_id: str) -> CreditNote:
    """Return one credit note.

    Raises:
        NotFound: unknown, or another organization's.
    """
    rows = CreditNote.objects.select_related("invoice__organization", "refund")
    return rows.get_visible(actor, public_id)


def credit_notes_of(invoice: Invoice) -> QuerySet[CreditNote]:
    """Return the credit notes of an invoice, newest first."""
    return invoice.credit_notes.order_by("-id")


def list_credit_lines(note: CreditNote) -> QuerySet[CreditNoteLine]:
    """Return a credit note's lines in order, each with the invoice line that it takes back."""
    return note.lines.select_related("line__period__subscription").order_by("position")


def list_periods(actor: Actor) -> QuerySet[BillingPeriod]:
    """Return the billing periods of the organization's subscriptions, newest first."""
    rows = _own(BillingPeriod.objects.visible_to(actor), actor, "consumer_organization_id")
    return _with_subscription(rows).order_by("-period_start", "-id")


def list_every_period() -> QuerySet[BillingPeriod]:
    """Return the billing periods of all organizations, for the operator."""
    return _with_subscription(BillingPeriod.objects.all()).order_by("-period_start", "-id")


def list_open_periods(actor: Actor) -> QuerySet[BillingPeriod]:
    """Return the periods that run now, with prices and spend caps: six queries, whatever their number."""
    return (
        list_periods(actor)
        .filter(status=PeriodStatus.OPEN)
        .select_related("consumer_organization", "price_version")
        .prefetch_related("price_version__components__tiers", "subscription__spend_caps")
        .order_by("period_end", "id")
    )


def receivables(actor: Actor) -> Receivables:
    """Return what the organization still has to pay. Two queries."""
    rows = list_invoices(actor, status=InvoiceStatus.OPEN).order_by()
    return Receivables(
        open=_sums(rows), overdue=_sums(rows.filter(due_at__lt=_business_now(actor)))
    )


def waiting_on_drafts(actor: Actor) -> list[CurrencyTotal]:
    """Return what closed periods have put on drafts that are not issued yet."""
    return _sums(list_invoices(actor, status=InvoiceStatus.DRAFT).order_by())


def list_earnings(actor: Actor) -> QuerySet[Earning]:
    """Return what the actor's organization earned as a provider, newest first."""
    rows = Earning.objects.provided_by(actor)
    own = _own(rows, actor, "provider_organization_id")
    return own.select_related(
        "line__invoice", "line__period__subscription__api", "credit_line__credit_note"
    )


def earning_totals(actor: Actor) -> list[EarningTotals]:
    """Return the provider's totals per currency; those of sandbox consumers stand apart. One query."""
    now = clock.now()
    accrued = Q(status=EarningStatus.ACCRUED, available_at__gt=now)
    payable = Q(status=EarningStatus.PAYABLE) | Q(
        status=EarningStatus.ACCRUED, available_at__lte=now
    )
    kept = ~Q(status=EarningStatus.CLAWED_BACK)
    rows = (
        _own(Earning.objects.provided_by(actor), actor, "provider_organization_id")
        .order_by()
        .values("currency", "is_sandbox")
        .annotate(
            gross=Sum("gross_minor", filter=kept),
            fees=Sum("fee_minor", filter=kept),
            accrued=Sum("net_minor", filter=accrued),
            payable=Sum("net_minor", filter=payable),
            paid=Sum("net_minor", filter=Q(status=EarningStatus.PAID)),
            refunded=-Sum("gross_minor", filter=kept & Q(credit_line__isnull=False)),
            next_payable_at=Min("available_at", filter=accrued),
        )
        .order_by("is_sandbox", "currency")
    )
    return [_earning_totals(row) for row in rows]


def _earning_totals(row: Mapping[str, Any]) -> EarningTotals:
    names = ("gross", "fees", "accrued", "payable", "paid", "refunded")
    amounts = {name: Money(row[name] or 0, row["currency"]) for name in names}
    return EarningTotals(
        currency=row["currency"],
        is_sandbox=row["is_sandbox"],
        next_payable_at=row["next_payable_at"],
        **amounts,
    )


def _with_subscription(rows: QuerySet[BillingPeriod]) -> QuerySet[BillingPeriod]:
    return rows.select_related("subscription__api", "subscription__plan", "consumer_organization")


def _own(
    rows: TenantQuerySet[M] | TwoSidedQuerySet[M], actor: Actor, column: str = "organization_id"
) -> QuerySet[M]:
    """Keep the organization's own rows: people of the operator see all tenants, but work in one."""
    return rows.filter(**{column: actor.organization_id})


def _business_now(actor: Actor) -> datetime:
    return clock.business_now(get_current_organization(actor))


def _sums(rows: QuerySet[Invoice]) -> list[CurrencyTotal]:
    found = rows.values_list("currency").annotate(
        Sum("total_minor"), Sum("paid_minor"), Count("id")
    )
    return [
        CurrencyTotal(Money(total - paid, currency), count)
        for currency, total, paid, count in sorted(found)
    ]


def _get(rows: QuerySet[M], public_id: str) -> M:
    try:
        key = parse_public_id(getattr(rows.model, "id_prefix"), public_id)  # noqa: B009
    except InvalidPublicIdError:
        raise NotFound from None
    row = rows.filter(pk=key).first()
    if row is None:
        raise NotFound
    return row
