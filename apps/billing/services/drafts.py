"""Draft invoices: one per account, currency and billing day collects what is due.

Source: docs/domain/billing.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from django.db.models import Max, Sum

from apps.billing.enums import InvoiceStatus, LineKind, RunKind
from apps.billing.models import BillingPeriod, Invoice, InvoiceLine, RatedCharge, RatingRun
from apps.billing.services.discounts import add_discounts, candidates_of
from apps.billing.services.quoted_discounts import book_discounts
from apps.core import clock
from apps.core.db import require_transaction
from apps.core.money import Money
from apps.pricing.selectors import tax_percents_of
from apps.subscriptions.bill_promotions import Candidate
from apps.subscriptions.change_discounts import QuotedDiscount
from apps.subscriptions.periods import local_date

SUMS: Final = ("subtotal_minor", "tax_minor", "total_minor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """A run whose charges go on a draft.

    Attributes:
        day: the billing day; by default the local day on which the period ended, so that everything that ends on one day comes
            on one invoice, and the parts of a cut period when the last one ends. Fees in advance name theirs.
        quantities: by meter, of a closing run; without them promotions lower fees in advance.
        quoted: what promotions do to the fees of a change of plan, as it was previewed.
    """

    run: RatingRun
    charges: Sequence[RatedCharge]
    day: date | None = None
    quantities: Mapping[str, Decimal] | None = None
    quoted: Sequence[QuotedDiscount] | None = None


class DraftKey(NamedTuple):
    """What makes a draft one."""

    organization_id: UUID
    currency: str
    day: date


def add_to_drafts(bookings: Iterable[Booking]) -> None:
    """Put charges, rounded once each, on the drafts of their billing days, less what promotions take off.

    Runs without charges are left out: nobody gets an invoice without lines. Of each subscription there is one run at most.
    The number of queries depends on cut periods and promotions alone. Part of the caller's transaction.
    """
    require_transaction()
    by_key: dict[DraftKey, list[Booking]] = defaultdict(list)
    for booking in bookings:
        if booking.charges:
            by_key[_key_of(booking)].append(booking)
    if not by_key:
        return
    drafts = lock_drafts({key: found[0].run.period for key, found in by_key.items()})
    percents = tax_percents_of({_taxed(found[0], key.day) for key, found in by_key.items()})
    positions = _last_positions(drafts.values())
    candidates = candidates_of(
        (booking.run.period, booking.quantities or {})
        for found in by_key.values()
        for booking in found
        if booking.quoted is None
    )
    lines: list[InvoiceLine] = []
    for key, found in by_key.items():
        invoice = drafts[key]
        percent = percents[_taxed(found[0], key.day)]
        last = positions.get(invoice.pk, 0)
        for booking in found:
            made = _lines_of(invoice, booking, after=last, percent=percent)
            lines += made
            last += len(made) + _discount(invoice, made, booking, candidates)
    InvoiceLine.objects.bulk_create(lines)
    add_up(drafts.values())


def _key_of(booking: Booking) -> DraftKey:
    period = booking.run.period
    return DraftKey(
        period.consumer_organization_id,
        period.price_version.currency,
        booking.day or closing_day(period),
    )


def _taxed(booking: Booking, day: date) -> tuple[str, date]:
    return booking.run.period.consumer_organization.country, day


def closing_day(period: BillingPeriod) -> date:
    """Return the local day on which a period, or the period of which it is a part, ends. One query for a part."""
    end = period.period_end
    if period.whole_end not in {None, end}:
        later = BillingPeriod.objects.filter(
            subscription_id=period.subscription_id, number=period.number, part__gt=period.part
        )
        end = period.whole.end if later.exists() else end
    return local_date(end, period.subscription.timezone)


def draft_of(period: BillingPeriod, day: date) -> Invoice:
    """Return the locked draft of a billing day in the period's currency; a new one if there is none."""
    key = DraftKey(period.consumer_organization_id, period.price_version.currency, day)
    return lock_drafts({key: period})[key]


def lock_drafts(wanted: Mapping[DraftKey, BillingPeriod]) -> dict[DraftKey, Invoice]:
    """Return the locked drafts of several billing days, each with a period of its account; new ones where there are none.

    All are inserted, and then locked, in one order, so that two never wait for each other.
    """
    require_transaction()
    while True:
        missing = wanted.keys() - _find_drafts(wanted).keys()
        Invoice.objects.bulk_create(
            [
                Invoice(
                    organization_id=key.organization_id,
                    currency=key.currency,
                    billing_day=key.day,
                    is_sandbox=wanted[key].consumer_organization.is_sandbox,
                )
                for key in sorted(missing)
            ],
            ignore_conflicts=True,
        )
        found = _find_drafts(wanted, lock=True)
        # One that was issued while we waited for it is a draft no more: the day gets another.
        if found.keys() == wanted.keys():
            return found


def _find_drafts(
    wanted: Mapping[DraftKey, BillingPeriod], *, lock: bool = False
) -> dict[DraftKey, Invoice]:
    rows = Invoice.objects.filter(
        status=InvoiceStatus.DRAFT,
        organization_id__in={key.organization_id for key in wanted},
        billing_day__in={key.day for key in wanted},
        currency__in={key.currency for key in wanted},
    ).order_by("pk")
    if lock:
        rows = rows.select_for_update(of=("self",), no_key=True)
    keyed = {DraftKey(row.organization_id, row.currency, row.billing_day): row for row in rows}
    return {key: row for key, row in keyed.items() if key in wanted}


def _last_positions(invoices: Iterable[Invoice]) -> dict[UUID, int]:
    rows = InvoiceLine.objects.filter(invoice__in=list(invoices)).order_by()
    return dict(rows.values_list("invoice_id").annotate(Max("position")))


def _lines_of(
    invoice: Invoice, booking: Booking, *, after: int, percent: Decimal
) -> list[InvoiceLine]:
    return [
        _line_of(invoice, charge, booking.run, after + number, percent)
        for number, charge in enumerate(booking.charges, start=1)
    ]


def _discount(
    invoice: Invoice,
    lines: Sequence[InvoiceLine],
    booking: Booking,
    candidates: Mapping[UUID, Sequence[Candidate]],
) -> int:
    """Lower the lines of a run by the promotions that may, or as it was quoted; return how many lines that takes."""
    if booking.quoted is not None:
        return len(book_discounts(lines=lines, discounts=booking.quoted))
    held = candidates.get(booking.run.period.subscription_id)
    if not held:
        return 0
    made = add_discounts(
        invoice=invoice, lines=lines, quantities=booking.quantities, candidates=held
    )
    return len(made)


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


def add_up(invoices: Iterable[Invoice]) -> None:
    """Sum the rounded lines of locked drafts; nothing is rounded again. Two queries."""
    found = {invoice.pk: invoice for invoice in invoices}
    sums = sums_of(found)
    now = clock.now()
    for key, invoice in found.items():
        invoice.subtotal_minor, invoice.tax_minor = sums.get(key, (0, 0))
        invoice.total_minor = invoice.subtotal_minor + invoice.tax_minor
        invoice.updated_at = now
    Invoice.objects.bulk_update(found.values(), [*SUMS, "updated_at"])


def sums_of(invoice_ids: Iterable[UUID]) -> dict[UUID, tuple[int, int]]:
    """Return by invoice the sums of its lines, in minor units: before tax, and the tax. One query."""
    rows = InvoiceLine.objects.filter(invoice_id__in=list(invoice_ids)).order_by()
    sums = rows.values_list("invoice_id").annotate(Sum("amount_minor"), Sum("tax_minor"))
    return {invoice_id: (amount, tax) for invoice_id, amount, tax in sums}
