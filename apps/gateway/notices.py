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

ALL: Final = (RECONCILIATION_FAILED,)
