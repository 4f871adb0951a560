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

UPSTREAM_DOWN: Final = NotificationKind(
    name="apis.upstream_down",
    title=_("The upstream of %(name)s does not answer"),
    body=_("Callers are answered 503 until it does. The last check said: %(reason)s"),
    tone="bad",
    is_important=True,
    action_label=_("See its health"),
)
UPSTREAM_BACK: Final = NotificationKind(
    name="apis.upstream_back",
    title=_("The upstream of %(name)s answers again"),
    body=_("Calls reach it again."),
    tone="ok",
    is_important=True,
    action_label=_("See its health"),
)

RETIRED: Final = NotificationKind(
    name="apis.retired",
    title=_("%(name)s was retired on the announced day"),
    body=_("Calls are no longer taken, and its subscriptions end."),
    tone="warn",
    is_important=True,
    action_label=_("Open the API"),
)
VERSION_STAYS: Final = NotificationKind(
    name="apis.version_stays",
    title=_("Version %(version)s of %(name)s could not be retired on its day"),
    body=_(
        "It is the current version, and no other one is published. Publish its successor or move the day."
    ),
    tone="warn",
    is_important=True,
    action_label=_("See the versions"),
)

ALL: Final = (
    ACTIVE, FAILED, SUSPENDED, RETIRED, VERSION_STAYS, UPSTREAM_DOWN, UPSTREAM_BACK,
)  # fmt: skip
