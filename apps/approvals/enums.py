"""States of an approval request."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import pgettext_lazy

from apps.accounts.enums import StaffRole


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
# Open, and it is the back office's turn: the clocks run.
RUNNING_STATUSES = (ApprovalStatus.PENDING, ApprovalStatus.ESCALATED)


class Priority(TextChoices):
    """How urgent a request is; decides its SLA."""

    LOW = "low", pgettext_lazy("priority", "low")
    NORMAL = "normal", pgettext_lazy("priority", "normal")
    HIGH = "high", pgettext_lazy("priority", "high")
    URGENT = "urgent", pgettext_lazy("priority", "urgent")


# Who works in the queue, and to whom a request can be escalated.
REVIEW_ROLES = (StaffRole.APPROVER, StaffRole.OPERATOR)


class BulkDecision(TextChoices):
    """What can be done with many requests at once."""

    APPROVE = "approve", pgettext_lazy("bulk decision", "approve")
    REJECT = "reject", pgettext_lazy("bulk decision", "reject")
    ASSIGN = "assign", pgettext_lazy("bulk decision", "assign")
    ESCALATE = "escalate", pgettext_lazy("bulk decision", "escalate")
