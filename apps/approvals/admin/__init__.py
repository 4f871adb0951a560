"""The approvers' back office: the queue, the review page, statistics, deadlines and working hours."""

from apps.approvals.admin.policies import BusinessCalendarAdmin, SlaPolicyAdmin
from apps.approvals.admin.queue import ApprovalRequestAdmin

__all__ = ("ApprovalRequestAdmin", "BusinessCalendarAdmin", "SlaPolicyAdmin")
