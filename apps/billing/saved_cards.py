"""Whether an account has a way to pay: what trials that need a card ask."""

from __future__ import annotations

from uuid import UUID

from apps.billing.models import PaymentMethod


def has_saved_card(organization_id: UUID) -> bool:
    """Whether an organization has a saved payment method that was not removed. One query."""
    rows = PaymentMethod.objects.filter(organization_id=organization_id, detached_at__isnull=True)
    return rows.exists()
