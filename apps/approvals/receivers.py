"""Who is told what about a request, in the portal and by e-mail."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.urls import reverse

from apps.accounts.enums import StaffRole
from apps.approvals import notices
from apps.approvals.enums import ApprovalStatus
from apps.approvals.events import (
    ApprovalDecided,
    ApprovalEscalated,
    ApprovalInformationProvided,
    ApprovalInformationRequested,
    ApprovalRequested,
)
from apps.approvals.models import ApprovalRequest
from apps.approvals.registry import handler_of
from apps.core.events import receives
from apps.notifications.kinds import NotificationKind
from apps.notifications.services import Message, notify_members, notify_staff

REVIEW_ROUTE: Final = "admin:approvals_approvalrequest_change"


@receives(ApprovalRequested)
def tell_approvers_of_request(event: ApprovalRequested) -> None:
    """Tell approvers that something waits."""
    request = _load(event.request_id)
    _tell_staff(StaffRole.APPROVER, request, notices.REQUESTED, fact="requested")


@receives(ApprovalDecided)
def tell_requester_of_decision(event: ApprovalDecided) -> None:
    """Tell the requesting side what was decided, and why."""
    is_approved = event.status == ApprovalStatus.APPROVED
    kind = notices.APPROVED if is_approved else notices.REJECTED
    _tell_requester(_load(event.request_id), kind, fact=event.status, comment=event.comment)


@receives(ApprovalInformationRequested)
def tell_requester_of_question(event: ApprovalInformationRequested) -> None:
    """Hand the approver's question to the requesting side."""
    request = _load(event.request_id)
    kind = notices.INFORMATION_REQUESTED
    _tell_requester(request, kind, fact=f"asked:{event.history_id}", comment=event.question)


@receives(ApprovalInformationProvided)
def tell_approvers_of_answer(event: ApprovalInformationProvided) -> None:
    """Tell approvers that the requester answered."""
    request = _load(event.request_id)
    fact = f"answered:{event.history_id}"
    _tell_staff(StaffRole.APPROVER, request, notices.INFORMATION_PROVIDED, fact=fact)


@receives(ApprovalEscalated)
def tell_operators_of_escalation(event: ApprovalEscalated) -> None:
    """Tell operators that a decision needs them."""
    request = _load(event.request_id)
    fact = f"escalated:{event.history_id}"
    _tell_staff(StaffRole.OPERATOR, request, notices.ESCALATED, fact=fact, comment=event.reason)


def _load(request_id: UUID) -> ApprovalRequest:
    return ApprovalRequest.objects.select_related("organization").get(pk=request_id)


def _tell_staff(
    role: StaffRole,
    request: ApprovalRequest,
    kind: NotificationKind,
    *,
    fact: str,
    comment: str = "",
) -> None:
    url = reverse(REVIEW_ROUTE, args=[request.pk])
    message = _message(request, kind, fact=fact, comment=comment, url=url)
    notify_staff(organization=request.organization, role=role, message=message)


def _tell_requester(
    request: ApprovalRequest, kind: NotificationKind, *, fact: str, comment: str
) -> None:
    handler = handler_of(request.subject_type)
    url = handler.subject_path(request)
    message = _message(request, kind, fact=fact, comment=comment, url=url)
    notify_members(
        organization=request.organization, permission=handler.permission, message=message
    )


def _message(
    request: ApprovalRequest, kind: NotificationKind, *, fact: str, comment: str, url: str
) -> Message:
    return Message(
        kind=kind.name,
        dedupe_key=f"approvals:{request.pk}:{fact}",
        url=url,
        context={
            "title": request.title,
            "organization": request.organization.name,
            "comment": comment,
        },
    )
