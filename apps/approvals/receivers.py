"""Who is told what about a request, in the portal and by e-mail."""

from __future__ import annotations

from apps.accounts.enums import StaffRole
from apps.accounts.models import User
from apps.approvals import notices
from apps.approvals.enums import ApprovalStatus
from apps.approvals.events import (
    ApprovalAssigned,
    ApprovalBreached,
    ApprovalCancelled,
    ApprovalCommented,
    ApprovalDecided,
    ApprovalEscalated,
    ApprovalExpired,
    ApprovalInformationProvided,
    ApprovalInformationRequested,
    ApprovalRequested,
)
from apps.approvals.models import ApprovalComment, ApprovalHistory
from apps.approvals.telling import (
    Fact,
    load,
    tell_deciders,
    tell_people,
    tell_requester,
    tell_reviewers,
    tell_role,
)
from apps.core.events import receives

EXCERPT_LENGTH = 300


@receives(ApprovalRequested)
def tell_approvers_of_request(event: ApprovalRequested) -> None:
    """Tell approvers that something waits, or the organization that decides it."""
    request, fact = load(event.request_id), Fact(notices.REQUESTED, "requested")
    if request.deciding_organization is not None:
        tell_deciders(request, fact)
    else:
        tell_role(StaffRole.APPROVER, request, fact)


@receives(ApprovalDecided)
def tell_requester_of_decision(event: ApprovalDecided) -> None:
    """Tell the requesting side what was decided, why, and under which conditions."""
    if event.status == ApprovalStatus.APPROVED:
        kind = notices.APPROVED_WITH_CONDITIONS if event.conditions else notices.APPROVED
    else:
        kind = notices.REJECTED
    conditions = "; ".join(event.conditions)
    fact = Fact(kind, event.status, comment=event.comment, conditions=conditions)
    tell_requester(load(event.request_id), fact)


@receives(ApprovalInformationRequested)
def tell_requester_of_question(event: ApprovalInformationRequested) -> None:
    """Hand the approver's question to the requesting side."""
    name = f"asked:{event.history_id}"
    fact = Fact(notices.INFORMATION_REQUESTED, name, comment=event.question)
    tell_requester(load(event.request_id), fact)


@receives(ApprovalInformationProvided)
def tell_approvers_of_answer(event: ApprovalInformationProvided) -> None:
    """Tell who reviews it that the requester answered."""
    fact = Fact(notices.INFORMATION_PROVIDED, f"answered:{event.history_id}")
    tell_reviewers(load(event.request_id), fact)


@receives(ApprovalEscalated)
def tell_operators_of_escalation(event: ApprovalEscalated) -> None:
    """Tell the role that a decision needs it, or the one person who was named."""
    request = load(event.request_id)
    fact = Fact(notices.ESCALATED, f"escalated:{event.history_id}", comment=event.reason)
    tell_role(StaffRole(event.role), request, fact)
    if event.assignee_id:
        tell_people(User.objects.filter(pk=event.assignee_id, is_active=True), request, fact)


@receives(ApprovalAssigned)
def tell_assignee(event: ApprovalAssigned) -> None:
    """Tell the person who got a request, unless they took it themselves."""
    line = ApprovalHistory.objects.get(pk=event.history_id)
    if event.assignee_id is None or event.assignee_id == line.actor_user_id:
        return
    people = User.objects.filter(pk=event.assignee_id, is_active=True)
    fact = Fact(notices.ASSIGNED, f"assigned:{event.history_id}")
    tell_people(people, load(event.request_id), fact)


@receives(ApprovalCommented)
def tell_of_comment(event: ApprovalCommented) -> None:
    """Tell who is mentioned, and the other side of a public comment. Internal ones reach staff only."""
    comment = ApprovalComment.objects.select_related("author").get(pk=event.comment_id)
    request = load(event.request_id)
    author = comment.author.get_full_name() if comment.author else ""
    words = {"comment": comment.body[:EXCERPT_LENGTH], "author": author}
    mentioned = comment.mentions.filter(is_active=True, is_staff=True)
    tell_people(mentioned, request, Fact(notices.MENTIONED, f"mentioned:{comment.pk}", **words))
    if comment.is_internal:
        return
    fact = Fact(notices.COMMENTED, f"commented:{comment.pk}", **words)
    if event.is_from_staff:
        tell_requester(request, fact)
    else:
        tell_reviewers(request, fact)


@receives(ApprovalBreached)
def tell_reviewers_of_breach(event: ApprovalBreached) -> None:
    """Tell who reviews it that a deadline was missed."""
    kind = notices.OVERDUE if event.is_decision_overdue else notices.RESPONSE_OVERDUE
    tell_reviewers(load(event.request_id), Fact(kind, f"breached:{event.history_id}"))


@receives(ApprovalExpired)
def tell_both_sides_of_expiry(event: ApprovalExpired) -> None:
    """Tell the requesting side that it may ask again, and the back office what it let pass."""
    request = load(event.request_id)
    tell_requester(request, Fact(notices.EXPIRED, "expired"))
    tell_reviewers(request, Fact(notices.EXPIRED_FOR_STAFF, "expired_for_staff"))


@receives(ApprovalCancelled)
def tell_reviewers_of_withdrawal(event: ApprovalCancelled) -> None:
    """Tell who reviews it that nothing is left to decide."""
    tell_reviewers(load(event.request_id), Fact(notices.CANCELLED, "cancelled"))
