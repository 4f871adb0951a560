"""What providers are told about their APIs."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from apps.notifications.kinds import NotificationKind

ACTIVE: Final = NotificationKind(
    name="apis.active",
    title=_("%(name)s is live"),
    body=_("Calls to %(address)s reach your upstream."),
    tone="ok",
    is_important=True,
    action_label=_("Open the API"),
)
FAILED: Final = NotificationKind(
    name="apis.failed",
    title=_("%(name)s could not be registered at the gateway"),
    body="%(reason)s",
    tone="bad",
    is_important=True,
    action_label=_("Try again"),
)
SUSPENDED: Final = NotificationKind(
    name="apis.suspended",
    title=_("%(name)s was suspended by the operator"),
    body="%(reason)s",
    tone="bad",
    is_important=True,
    action_label=_("Open the API"),
)

ALL: Final = (ACTIVE, FAILED, SUSPENDED)
