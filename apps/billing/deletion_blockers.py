"""An invoice that is not paid keeps its organization's last owner."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from apps.accounts.deletion_blockers import DeletionBlocker
from apps.billing.enums import InvoiceStatus
from apps.billing.models import Invoice


def _with_unpaid_invoices(keys: Sequence[UUID]) -> Iterable[UUID]:
    unpaid = (InvoiceStatus.DRAFT, InvoiceStatus.OPEN)
    rows = Invoice.objects.filter(organization__in=keys, status__in=unpaid)
    return rows.values_list("organization_id", flat=True)


UNPAID_INVOICES: Final = DeletionBlocker(
    code="unpaid_invoices",
    text=_("It has invoices that are not paid. Pay them first."),
    route="billing:home",
    affected=_with_unpaid_invoices,
)
