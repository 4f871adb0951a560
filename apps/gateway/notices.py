"""What operators are told about the gateway."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from apps.notifications.kinds import NotificationKind

RECONCILIATION_FAILED: Final = NotificationKind(
    name="gateway.reconciliation_failed",
    title=_("The gateway could not be brought to its wanted state"),
    body="%(reason)s",
    tone="bad",
    is_important=True,
    action_label=_("Open the report"),
)

THROTTLED: Final = NotificationKind(
    name="gateway.throttled",
    title=_("Your calls are limited until %(until)s"),
    body=_("The operator limited all calls of %(organization)s: %(reason)s"),
    tone="warn",
    is_important=True,
)
THROTTLE_LIFTED: Final = NotificationKind(
    name="gateway.throttle_lifted",
    title=_("Your calls are no longer limited by the operator"),
    body=_("What was said on %(applied)s holds no more. The limits of your plans apply."),
    tone="ok",
)

ALL: Final = (RECONCILIATION_FAILED, THROTTLED, THROTTLE_LIFTED)
