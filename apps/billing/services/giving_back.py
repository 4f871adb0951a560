"""What a cancelled subscription gets back of its fees in advance: money where it was paid, else credit on the account.

The newest invoices come first. What their payments hold of these fees goes back as refunds, which need nobody's decision
because the plan's policy made it; the rest, such as a fee that is not paid yet, becomes a credit line.

Source: docs/domain/plan-changes.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from django.db.models import Max, Q
from django.utils.translation import gettext as _

from apps.billing.enums import (
    OPEN_REFUNDS,
    InvoiceStatus,
    LineKind,
    PaymentStatus,
    RefundStatus,
    RunKind,
)
from apps.billing.models import BillingPeriod, Invoice, InvoiceLine, Payment, Refund
from apps.billing.services.advance import issue_soon
from apps.billing.services.credit_notes import LineShare, left_of_lines, split_refund
from apps.billing.services.drafts import add_up, draft_of
from apps.billing.services.refunds import enqueue_refund
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.db import require_transaction
from apps.core.money import Money, round_half_away
from apps.pricing.models import Promotion
from apps.subscriptions.change_discounts import QuotedDiscount, promotion_id_of
from apps.subscriptions.models import CancellationRequest
from apps.subscriptions.periods import local_date

REFUNDABLE = (PaymentStatus.SUCCEEDED, PaymentStatus.PARTIALLY_REFUNDED)


def give_back_fees(*, cancellation: CancellationRequest, actor: Actor) -> list[Refund]:
    """Give back what a cancellation quoted, tax included; return the refunds. Part of the caller's transaction."""
    require_transaction()
    subscription = cancellation.subscription
    left = Money(cancellation.refund_minor, cancellation.currency)
    period = (
        BillingPeriod.objects.filter(subscription=subscription)
        .select_related("consumer_organization", "subscription__api", "price_version__plan")
        .order_by("-number", "-part")
        .first()
    )
    if period is None or not left.amount_minor:
        return []
    refunds = []
    for invoice, lines in _fees_by_invoice(period):
        refund = _refund_part(invoice, lines, wanted=left, cancellation=cancellation, actor=actor)
        if refund is not None:
            refunds.append(refund)
            left -= refund.amount
    if left.amount_minor > 0:
        _credit(period, left, cancellation)
        issue_soon(organization_id=period.consumer_organization_id)
    return refunds


def _fees_by_invoice(period: BillingPeriod) -> list[tuple[Invoice, list[InvoiceLine]]]:
    """Return the paid invoices with fees in advance of a period and its parts, and their discounts, the newest first."""
    rows = (
        InvoiceLine.objects.filter(
            Q(charge__run__kind=RunKind.ADVANCE, amount_minor__gt=0)
            | Q(kind=LineKind.DISCOUNT, discount__has_key="in_advance", amount_minor__lt=0),
            period__subscription_id=period.subscription_id,
            period__number=period.number,
            invoice__status=InvoiceStatus.PAID,
        )
        .select_related("invoice__organization")
        .order_by("-invoice_id", "position")
    )
    found: dict[Invoice, list[InvoiceLine]] = {}
    for row in rows:
        found.setdefault(row.invoice, []).append(row)
    return list(found.items())


def _refund_part(
    invoice: Invoice,
    lines: Sequence[InvoiceLine],
    *,
    wanted: Money,
    cancellation: CancellationRequest,
    actor: Actor,
) -> Refund | None:
    """Give back what an invoice's payment holds of these lines, at most so much."""
    payments = Payment.objects.filter(invoice=invoice, status__in=REFUNDABLE)
    payment = payments.select_for_update(of=("self",), no_key=True).order_by("-id").first()
    is_busy = Refund.objects.filter(invoice=invoice, status__in=OPEN_REFUNDS).exists()
    if payment is None or is_busy:
        return None
    left = left_of_lines(lines)
    held = sum(share.amount_minor + share.tax_minor for share in left)
    most = min(wanted.amount_minor, payment.amount_minor - payment.refunded_minor, held)
    if most <= 0:
        return None
    amount = Money(most, wanted.currency)
    refund = Refund.objects.create(
        organization_id=invoice.organization_id,
        invoice=invoice,
        payment=payment,
        status=RefundStatus.APPROVED,
        amount_minor=most,
        currency=amount.currency,
        reason=_("Fees paid in advance of a cancelled subscription"),
        decision_comment=_("By the terms of the plan."),
        shares=_as_json(split_refund(amount=amount, left=left)),
    )
    record_audit(
        action="billing:refund:given_back",
        target=refund,
        actor=actor,
        organization_id=invoice.organization_id,
        after={"cancellation": cancellation.public_id, "amount": amount},
    )
    enqueue_refund(refund)
    return refund


def _as_json(shares: Iterable[LineShare]) -> dict[str, list[int]]:
    return {share.line.public_id: [share.amount_minor, share.tax_minor] for share in shares}


def _credit(period: BillingPeriod, amount: Money, cancellation: CancellationRequest) -> None:
    """Put what no payment holds on the account, with its part of the tax.

    The provider gives its fee back whole, and an operator that bore a discount of it gets that back: a line of its own.
    """
    quote = cancellation.quote
    whole = quote["net_minor"] + quote["tax_minor"]
    net = int(round_half_away(Decimal(quote["net_minor"] * amount.amount_minor) / whole, 0))
    day = local_date(
        cancellation.settled_at or cancellation.created_at, period.subscription.timezone
    )
    invoice = draft_of(period, day)
    last = invoice.lines.aggregate(last=Max("position"))["last"] or 0
    tax = amount.amount_minor - net
    percent = Decimal(quote["tax_minor"] * 100) / quote["net_minor"]
    operators = _borne_by_operator(cancellation, amount.amount_minor, whole)
    fee_tax = tax + int(round_half_away(operators * percent / 100, 0))
    line = InvoiceLine(
        invoice=invoice,
        consumer_organization_id=period.consumer_organization_id,
        provider_organization_id=period.provider_organization_id,
        period=period,
        kind=LineKind.CREDIT,
        position=last + 1,
        description=_("%(api)s · unused fees of the cancelled subscription")
        % {"api": period.subscription.api.name},
        quantity=Decimal(1),
        amount_minor=-net - operators,
        tax_percent=round_half_away(percent, 4),
        tax_minor=-fee_tax,
        currency=amount.currency,
    )
    line.save(force_insert=True)
    if operators:
        _take_discount_back(line, operators, fee_tax - tax)
    add_up([invoice])


def _take_discount_back(credit: InvoiceLine, amount: int, tax: int) -> None:
    """Give the operator back what it bore of the fees of a credit."""
    text = _("%(fees)s, their discount") % {"fees": credit.description}
    InvoiceLine.objects.create(
        invoice_id=credit.invoice_id,
        consumer_organization_id=credit.consumer_organization_id,
        period_id=credit.period_id,
        kind=LineKind.CREDIT,
        position=credit.position + 1,
        description=text[:200],
        quantity=Decimal(1),
        amount_minor=amount,
        tax_percent=credit.tax_percent,
        tax_minor=tax,
        currency=credit.currency,
    )


def _borne_by_operator(cancellation: CancellationRequest, part: int, whole: int) -> int:
    """Return what the operator gave of the fees that go back, cut to the part of them that is credited."""
    quoted = [QuotedDiscount.from_json(item) for item in cancellation.quote.get("discounts", ())]
    operators = set(
        Promotion.objects.filter(
            pk__in=[promotion_id_of(item) for item in quoted], organization__isnull=True
        ).values_list("pk", flat=True)
    )
    minor = sum(item.amount_minor for item in quoted if promotion_id_of(item) in operators)
    return int(round_half_away(Decimal(minor * part) / whole, 0))
