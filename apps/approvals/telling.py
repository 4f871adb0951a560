"""How the engine addresses people: a fact about a request, told to a role, to some people, or to its requester."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.urls import reverse

from apps.accounts.enums import StaffRole
from apps.accounts.models import User
from apps.approvals.enums import ApprovalStatus
from apps.approvals.models import ApprovalRequest
from apps.approvals.registry import delegated_handler_of, handler_of
from apps.notifications.kinds import NotificationKind
from apps.notifications.services import Message, notify, notify_members, notify_staff

REVIEW_ROUTE: Final = "admin:approvals_approvalrequest_change"


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that is told once: its kind, a name that is unique for the request, and words to fill in."""

    kind: NotificationKind
    name: str
    comment: str = ""
    author: str = ""
    conditions: str = ""


def load(request_id: UUID) -> ApprovalRequest:
    """Return a request with what every message names."""
    return ApprovalRequest.objects.select_related(
        "organization", "deciding_organization", "requested_by", "assignee"
    ).get(pk=request_id)


def tell_role(role: StaffRole, request: ApprovalRequest, fact: Fact) -> None:
    """Tell the back office's people of a role; their message leads to the review page."""
    message = _message(request, fact, url=review_path(request))
    notify_staff(organization=request.organization, role=role, message=message)


def tell_people(people: Iterable[User], request: ApprovalRequest, fact: Fact) -> None:
    """Tell some people of the back office."""
    message = _message(request, fact, url=review_path(request))
    notify(users=people, organization=request.organization, message=message)


def tell_deciders(request: ApprovalRequest, fact: Fact) -> None:
    """Tell the members of the deciding organization who may decide."""
    if request.deciding_organization is None:
        return
    handler = delegated_handler_of(request.subject_type)
    message = _message(request, fact, url=handler.decision_path(request))
    notify_members(
        organization=request.deciding_organization,
        permission=handler.decide_permission,
        message=message,
    )


def tell_reviewers(request: ApprovalRequest, fact: Fact) -> None:
    """Tell the assignee; without one, the role whose turn it is. A deciding organization hears it first.

    The back office hears nothing of what another organization decides until it is escalated.
    """
    tell_deciders(request, fact)
    if not request.is_with_back_office:
        return
    if request.assignee and request.assignee.is_active and request.assignee.is_staff:
        tell_people([request.assignee], request, fact)
        return
    is_escalated = request.status == ApprovalStatus.ESCALATED and request.escalated_to_role
    role = StaffRole(request.escalated_to_role) if is_escalated else StaffRole.APPROVER
    tell_role(role, request, fact)


def tell_requester(request: ApprovalRequest, fact: Fact) -> None:
    """Tell the members of the requesting organization who may speak for it, or the person who asked."""
    handler = handler_of(request.subject_type)
    message = _message(request, fact, url=handler.subject_path(request))
    if request.organization is None:
        people = [request.requested_by] if request.requested_by else []
        notify(users=people, organization=None, message=message)
        return
    notify_members(
        organization=request.organization, permission=handler.permission, message=message
    )


def review_path(request: ApprovalRequest) -> str:
    """Return the back office's page of a request."""
    return reverse(REVIEW_ROUTE, args=[request.pk])


def _message(request: ApprovalRequest, fact: Fact, *, url: str) -> Message:
    return Message(
        kind=fact.kind.name,
        dedupe_key=f"approvals:{request.pk}:{fact.name}",
        url=url,
        context={
            "title": request.title,
            "organization": request.asker,
            "comment": fact.comment,
            "author": fact.author,
            "conditions": fact.conditions,
        },
    )
