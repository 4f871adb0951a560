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

ALL: Final = (REQUESTED, APPROVED, REJECTED, INFORMATION_REQUESTED, INFORMATION_PROVIDED, ESCALATED)
