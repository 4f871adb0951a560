"""What people are told about webhooks."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from apps.notifications.kinds import NotificationKind

ENDPOINT_FAILING: Final = NotificationKind(
    "webhooks.disabled_failing",
    title=_("Your webhook endpoint was disabled"),
    body=_(
        "Every message to %(url)s failed for five days, so nothing more is sent there."
        " Once the address works again, enable it and replay what it missed."
    ),
    tone="bad",
    is_important=True,
    action_label=_("Look at the endpoint"),
)
ENDPOINT_GONE: Final = NotificationKind(
    "webhooks.disabled_gone",
    title=_("Your webhook endpoint was disabled"),
    body=_("%(url)s answered 410 Gone, which asks us to send nothing more there."),
    tone="warn",
    is_important=True,
    action_label=_("Look at the endpoint"),
)
ALL: Final = (ENDPOINT_FAILING, ENDPOINT_GONE)
