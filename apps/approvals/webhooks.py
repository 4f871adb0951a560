"""What the requesting organization's own programs hear about its requests.

Comments that the requester reads are told; why something was escalated stays in the back office.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.approvals.enums import ApprovalStatus
from apps.approvals.events import (
    ApprovalDecided,
    ApprovalEscalated,
    ApprovalEvent,
    ApprovalExpired,
    ApprovalInformationRequested,
)
from apps.approvals.models import ApprovalHistory
from apps.approvals.registry import handler_of
from apps.approvals.telling import load
from apps.core.events import receives
from apps.notifications.webhooks import WebhookEventType, publish_webhook

_EXAMPLE: Final[dict[str, Any]] = {
    "id": "apr_01jd0zq6f8e9xvgq0t4f3m2n1p",
    "status": "approved",
    "title": "Weather",
    "subject": {"type": "apis.api", "id": "api_01jd0zq6f8e9xvgq0t4f3m2n1q"},
    "priority": "normal",
    "requested_at": "2026-11-16T09:00:00+00:00",
    "due_at": "2026-11-26T17:00:00+00:00",
}
APPROVED: Final = WebhookEventType(
    "approval.approved",
    _("A request was approved."),
    {**_EXAMPLE, "comment": "Complete.", "conditions": ["Add a support address."]},
)
REJECTED: Final = WebhookEventType(
    "approval.rejected",
    _("A request was rejected."),
    {
        **_EXAMPLE,
        "status": "rejected",
        "comment": "The upstream does not answer.",
        "conditions": [],
    },
)
INFO_REQUESTED: Final = WebhookEventType(
    "approval.info_requested",
    _("A reviewer asked something; the request waits for the answer."),
    {**_EXAMPLE, "status": "info_requested", "question": "Where does the data come from?"},
)
ESCALATED: Final = WebhookEventType(
    "approval.escalated",
    _("A request was handed to somebody with more authority."),
    {**_EXAMPLE, "status": "escalated", "priority": "urgent"},
)
EXPIRED: Final = WebhookEventType(
    "approval.expired",
    _("Nobody decided a request in time; it may be made again."),
    {**_EXAMPLE, "status": "expired"},
)
ALL: Final = (APPROVED, REJECTED, INFO_REQUESTED, ESCALATED, EXPIRED)


@receives(ApprovalDecided)
def publish_decision(event: ApprovalDecided) -> None:
    """Tell the decision with its comment and conditions."""
    kind = APPROVED if event.status == ApprovalStatus.APPROVED else REJECTED
    _publish(
        kind,
        event,
        status=event.status,
        fact=event.status,
        comment=event.comment,
        conditions=list(event.conditions),
    )


@receives(ApprovalInformationRequested)
def publish_question(event: ApprovalInformationRequested) -> None:
    """Tell the reviewer's question."""
    line = ApprovalHistory.objects.get(pk=event.history_id)
    _publish(
        INFO_REQUESTED,
        event,
        status=ApprovalStatus.INFO_REQUESTED,
        fact=str(event.history_id),
        occurred_at=line.created_at,
        question=event.question,
    )


@receives(ApprovalEscalated)
def publish_escalation(event: ApprovalEscalated) -> None:
    """Tell that it was escalated, not why."""
    line = ApprovalHistory.objects.get(pk=event.history_id)
    _publish(
        ESCALATED,
        event,
        status=ApprovalStatus.ESCALATED,
        fact=str(event.history_id),
        occurred_at=line.created_at,
    )


@receives(ApprovalExpired)
def publish_expiry(event: ApprovalExpired) -> None:
    """Tell that it expired."""
    _publish(EXPIRED, event, status=ApprovalStatus.EXPIRED, fact="expired")


def _publish(
    kind: WebhookEventType,
    event: ApprovalEvent,
    *,
    status: str,
    fact: str,
    occurred_at: datetime | None = None,
    **words: Any,
) -> None:
    """Publish a change as it was: the status is the event's, the row may have moved on."""
    request = load(event.request_id)
    if request.organization is None:
        return  # A person's own request has no programs that listen.
    subject = handler_of(request.subject_type).subject_summary(request)
    data = {
        "id": request.public_id,
        "status": str(status),
        "title": request.title,
        "subject": {"type": request.subject_type, "id": subject.get("id", "")},
        "priority": request.priority,
        "requested_at": request.created_at.isoformat(),
        "due_at": request.due_at.isoformat(),
        **words,
    }
    with transaction.atomic():
        publish_webhook(
            organization=request.organization,
            event_type=kind.name,
            data=data,
            dedupe_key=f"{request.pk}:{fact}",
            occurred_at=occurred_at or request.decided_at,
        )
