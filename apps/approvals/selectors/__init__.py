"""Reads of the approval engine."""

from apps.approvals.selectors.requests import (
    QueueCounts,
    count_queue,
    find_assignable,
    find_last_request,
    find_open_request,
    get_attachment,
    get_request,
    list_assignable_staff,
    list_comments,
    list_history,
    list_overdue,
    list_own_requests,
    list_queue,
    list_received_requests,
    overdue_filter,
)
from apps.approvals.selectors.statistics import (
    ApprovalStatistics,
    DayThroughput,
    Durations,
    approval_statistics,
)

__all__ = (
    "ApprovalStatistics",
    "DayThroughput",
    "Durations",
    "QueueCounts",
    "approval_statistics",
    "count_queue",
    "find_assignable",
    "find_last_request",
    "find_open_request",
    "get_attachment",
    "get_request",
    "list_assignable_staff",
    "list_comments",
    "list_history",
    "list_overdue",
    "list_own_requests",
    "list_queue",
    "list_received_requests",
    "overdue_filter",
)
