"""What the engine tells people."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from apps.notifications.kinds import NotificationKind

REQUESTED: Final = NotificationKind(
    name="approvals.requested",
    title=_("Waiting for your decision: %(title)s"),
    body=_("%(organization)s asks for approval."),
    is_important=True,
    action_label=_("Review"),
)
APPROVED: Final = NotificationKind(
    name="approvals.approved",
    title=_("Approved: %(title)s"),
    body="%(comment)s",
    tone="ok",
    is_important=True,
    action_label=_("See what is next"),
)
APPROVED_WITH_CONDITIONS: Final = NotificationKind(
    name="approvals.approved_with_conditions",
    title=_("Approved, with conditions: %(title)s"),
    body=_("The reviewer wrote: %(comment)s — What you have to do beside: %(conditions)s"),
    tone="ok",
    is_important=True,
    action_label=_("See what is next"),
)
REJECTED: Final = NotificationKind(
    name="approvals.rejected",
    title=_("Not approved: %(title)s"),
    body=_("The reviewer wrote: %(comment)s"),
    tone="bad",
    is_important=True,
    action_label=_("Revise"),
)
INFORMATION_REQUESTED: Final = NotificationKind(
    name="approvals.information_requested",
    title=_("A question about %(title)s"),
    body="%(comment)s",
    tone="warn",
    is_important=True,
    action_label=_("Answer"),
)
INFORMATION_PROVIDED: Final = NotificationKind(
    name="approvals.information_provided",
    title=_("%(organization)s answered: %(title)s"),
    is_important=True,
    action_label=_("Review"),
)
ESCALATED: Final = NotificationKind(
    name="approvals.escalated",
    title=_("Escalated: %(title)s"),
    body="%(comment)s",
    tone="warn",
    is_important=True,
    action_label=_("Review"),
)

ASSIGNED: Final = NotificationKind(
    name="approvals.assigned",
    title=_("Assigned to you: %(title)s"),
    body=_("%(organization)s asks for approval."),
    is_important=True,
    action_label=_("Review"),
)
MENTIONED: Final = NotificationKind(
    name="approvals.mentioned",
    title=_("%(author)s mentioned you: %(title)s"),
    body="%(comment)s",
    is_important=True,
    action_label=_("Read"),
)
COMMENTED: Final = NotificationKind(
    name="approvals.commented",
    title=_("New comment: %(title)s"),
    body="%(comment)s",
    is_important=True,
    action_label=_("Read"),
)
OVERDUE: Final = NotificationKind(
    name="approvals.overdue",
    title=_("Overdue: %(title)s"),
    body=_("The time that the SLA allows for a decision is over."),
    tone="bad",
    is_important=True,
    action_label=_("Review"),
)
RESPONSE_OVERDUE: Final = NotificationKind(
    name="approvals.response_overdue",
    title=_("No response yet: %(title)s"),
    body=_("The time that the SLA allows for a first response is over."),
    tone="warn",
    action_label=_("Review"),
)
EXPIRED: Final = NotificationKind(
    name="approvals.expired",
    title=_("Expired: %(title)s"),
    body=_("It was not decided in time. You may ask again."),
    tone="warn",
    is_important=True,
    action_label=_("Ask again"),
)
EXPIRED_FOR_STAFF: Final = NotificationKind(
    name="approvals.expired_for_staff",
    title=_("Expired without a decision: %(title)s"),
    body=_("%(organization)s was told that it may ask again."),
    tone="warn",
    is_important=True,
    action_label=_("Look"),
)
CANCELLED: Final = NotificationKind(
    name="approvals.cancelled",
    title=_("Withdrawn: %(title)s"),
    body=_("%(organization)s does not need a decision any more."),
    is_important=True,
    action_label=_("Look"),
)

ALL: Final = (
    REQUESTED,
    APPROVED,
    APPROVED_WITH_CONDITIONS,
    REJECTED,
    INFORMATION_REQUESTED,
    INFORMATION_PROVIDED,
    ESCALATED,
    ASSIGNED,
    MENTIONED,
    COMMENTED,
    OVERDUE,
    RESPONSE_OVERDUE,
    EXPIRED,
    EXPIRED_FOR_STAFF,
    CANCELLED,
)
