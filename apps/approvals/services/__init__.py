"""Writes of the approval engine."""

from apps.approvals.services.bulk import BulkResult, decide_in_bulk
from apps.approvals.services.conversation import (
    add_comment,
    provide_information,
    request_information,
)
from apps.approvals.services.decisions import approve_request, reject_request
from apps.approvals.services.planning import (
    assign_request,
    change_priority,
    claim_request,
    escalate_request,
)
from apps.approvals.services.policies import set_business_calendar, set_sla_policy
from apps.approvals.services.requests import (
    Submission,
    cancel_request,
    close_request_about,
    expire_request,
    open_request,
)
from apps.approvals.services.sla import SlaRun, apply_sla, expire_requests

__all__ = (
    "BulkResult",
    "SlaRun",
    "Submission",
    "add_comment",
    "apply_sla",
    "approve_request",
    "assign_request",
    "cancel_request",
    "change_priority",
    "claim_request",
    "close_request_about",
    "decide_in_bulk",
    "escalate_request",
    "expire_request",
    "expire_requests",
    "open_request",
    "provide_information",
    "reject_request",
    "request_information",
    "set_business_calendar",
    "set_sla_policy",
)
