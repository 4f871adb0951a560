"""Tables of the approval engine."""

from apps.approvals.models.conversation import ApprovalAttachment, ApprovalComment
from apps.approvals.models.requests import ApprovalHistory, ApprovalRequest
from apps.approvals.models.sla import BusinessCalendar, SlaPolicy

__all__ = (
    "ApprovalAttachment",
    "ApprovalComment",
    "ApprovalHistory",
    "ApprovalRequest",
    "BusinessCalendar",
    "SlaPolicy",
)
