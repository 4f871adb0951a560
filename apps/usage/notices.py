"""What people are told: quotas and spend caps that run low, exports that are ready."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from apps.notifications.kinds import NotificationKind

_OPEN = _("Open the limits")
_PART_USED = _("%(name)s: %(percent)s %% of the quota is used")
_USED_UP = _("%(name)s: the quota is used up")
_USED_OF = _("%(used)s of %(bound)s calls; it resets on %(resets)s.")

HALF: Final = NotificationKind(
    name="usage.quota_half",
    title=_PART_USED,
    body=_USED_OF,
    action_label=_OPEN,
)
WARNING: Final = NotificationKind(
    name="usage.quota_warning",
    title=_PART_USED,
    body=_USED_OF,
    tone="warn",
    is_important=True,
    action_label=_OPEN,
)
EXCEEDED: Final = NotificationKind(
    name="usage.quota_exceeded",
    title=_USED_UP,
    body=_("All %(bound)s calls are used. Further calls are refused until %(resets)s."),
    tone="bad",
    is_important=True,
    action_label=_OPEN,
)
PASSED: Final = NotificationKind(
    name="usage.quota_passed",
    title=_USED_UP,
    body=_("All %(bound)s calls are used. Further calls are billed as the plan says."),
    tone="warn",
    is_important=True,
    action_label=_OPEN,
)
CAP_WARNING: Final = NotificationKind(
    name="usage.spend_cap_warning",
    title=_("%(name)s: %(percent)s %% of the calls that your spend cap allows are used"),
    body=_("%(used)s of %(bound)s calls until %(amount)s are spent; it resets on %(resets)s."),
    tone="warn",
    is_important=True,
    action_label=_OPEN,
)
CAP_REACHED: Final = NotificationKind(
    name="usage.spend_cap_reached",
    title=_("%(name)s: your spend cap of %(amount)s is reached"),
    body=_("Further calls are refused until %(resets)s, or until you raise the cap."),
    tone="bad",
    is_important=True,
    action_label=_OPEN,
)
EXPORT_READY: Final = NotificationKind(
    name="usage.export_ready",
    title=_("Your export is ready"),
    body=_("%(name)s has %(rows)s rows. It can be fetched until %(expires)s."),
    tone="ok",
    action_label=_("Open the exports"),
)
EXPORT_FAILED: Final = NotificationKind(
    name="usage.export_failed",
    title=_("Your export could not be written"),
    body=_("%(name)s was given up. The page of exports says why."),
    tone="bad",
    action_label=_("Open the exports"),
)
EVENT_CONFLICT: Final = NotificationKind(
    name="usage.event_conflict",
    title=_("Usage events with an id that was taken: %(count)s"),
    body=_(
        "In batch %(batch)s, event %(event_id)s has the id of another event and other values. "
        "The first one counts; the other is kept."
    ),
    tone="warn",
    is_important=True,
    action_label=_("Look at the events"),
)
ALL: Final = (
    EVENT_CONFLICT,
    HALF,
    WARNING,
    EXCEEDED,
    PASSED,
    CAP_WARNING,
    CAP_REACHED,
    EXPORT_READY,
    EXPORT_FAILED,
)
