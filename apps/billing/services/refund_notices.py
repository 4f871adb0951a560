"""Telling payers, providers and finance what became of a refund; each fact once."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.urls import reverse
from django.utils.translation import override

from apps.accounts.enums import StaffRole
from apps.accounts.models import Organization
from apps.billing.models import Earning, Refund
from apps.billing.presentation import refund_failure
from apps.billing.services.documents import language_of
from apps.core.formatting import format_money
from apps.core.money import Money
from apps.notifications.services import Message, notify_members, notify_staff

READERS = "billing.read"
EARNERS = "earnings.read"


def tell_refunded(*, refund: Refund) -> None:
    """Tell who reads the payer's bills that the money goes back, with the credit note."""
    message = Message(
        kind="billing.refunded",
        dedupe_key=f"billing.refunded:{refund.public_id}:{refund.attempt}",
        url=reverse("billing:credit_note", args=[refund.credit_note.public_id]),
        context=_context(refund, credit_note=refund.credit_note.number),
    )
    notify_members(organization=refund.invoice.organization, permission=READERS, message=message)


def tell_earnings_reversed(*, refund: Refund) -> None:
    """Tell each provider what a refund took back of its earnings; test money is nobody's loss."""
    rows = Earning.objects.filter(
        credit_line__credit_note__refund=refund, is_sandbox=False
    ).select_related("provider_organization")
    taken: dict[Organization, int] = defaultdict(int)
    for row in rows:
        taken[row.provider_organization] -= row.net_minor
    for provider, minor in taken.items():
        with override(language_of(provider)):
            amount = format_money(Money(minor, refund.currency))
        message = Message(
            kind="billing.earnings_reversed",
            dedupe_key=f"billing.earnings_reversed:{refund.public_id}",
            url=reverse("billing:earnings"),
            context={"amount": amount, "credit_note": refund.credit_note.number},
        )
        notify_members(organization=provider, permission=EARNERS, message=message)


def tell_refund_failed(*, refund: Refund, attempt: int) -> None:
    """Tell who reads the payer's bills, and finance, that an approved refund was not paid, and why."""
    organization = refund.invoice.organization
    key = f"{refund.public_id}:{attempt}"
    context = _context(refund, organization=organization.name)
    to_payer = Message(
        kind="billing.refund_failed",
        dedupe_key=f"billing.refund_failed:{key}",
        url=reverse("billing:invoice", args=[refund.invoice.public_id]),
        context=context,
    )
    to_finance = Message(
        kind="billing.refund_stuck",
        dedupe_key=f"billing.refund_stuck:{key}",
        url=reverse("admin:billing_refund_change", args=[refund.pk]),
        context=context,
    )
    notify_members(organization=organization, permission=READERS, message=to_payer)
    notify_staff(organization=organization, role=StaffRole.FINANCE, message=to_finance)


def _context(refund: Refund, **extra: Any) -> dict[str, Any]:
    # Amounts and reasons are written once, in the language of the payer's owner.
    with override(language_of(refund.invoice.organization)):
        return {
            "number": refund.invoice.number,
            "amount": format_money(refund.amount),
            "reason": refund_failure(refund),
            **extra,
        }
