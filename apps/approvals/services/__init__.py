"""Writes of the approval engine."""

from apps.approvals.services.conversation import (
    add_comment,
    provide_information,
    request_information,
)
from apps.approvals.services.decisions import approve_request, escalate_request, reject_request
from apps.approvals.services.policies import set_sla_policy
from apps.approvals.services.requests import (
    Submission,
    cancel_request,
    expire_request,
    open_request,
)

__all__ = (
    "Submission",
    "add_comment",
    "approve_request",
    "cancel_request",
    "escalate_request",
    "expire_request",
    "open_request",
    "provide_information",
    "reject_request",
    "request_information",
    "set_sla_policy",
)
