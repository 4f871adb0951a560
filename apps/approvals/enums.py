"""States of an approval request."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import pgettext_lazy


class ApprovalStatus(TextChoices):
    """Where a request stands."""

    PENDING = "pending", pgettext_lazy("approval", "pending")
    INFO_REQUESTED = "info_requested", pgettext_lazy("approval", "information requested")
    ESCALATED = "escalated", pgettext_lazy("approval", "escalated")
    APPROVED = "approved", pgettext_lazy("approval", "approved")
    REJECTED = "rejected", pgettext_lazy("approval", "rejected")
    EXPIRED = "expired", pgettext_lazy("approval", "expired")
    CANCELLED = "cancelled", pgettext_lazy("approval", "cancelled")


OPEN_STATUSES = (ApprovalStatus.PENDING, ApprovalStatus.INFO_REQUESTED, ApprovalStatus.ESCALATED)


class Priority(TextChoices):
    """How urgent a request is; decides its SLA."""

    LOW = "low", pgettext_lazy("priority", "low")
    NORMAL = "normal", pgettext_lazy("priority", "normal")
    HIGH = "high", pgettext_lazy("priority", "high")
    URGENT = "urgent", pgettext_lazy("priority", "urgent")
