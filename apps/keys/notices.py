"""What people are told about keys."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from apps.notifications.kinds import NotificationKind

_OPEN = _("Open the key")
_OPEN_SECURITY = _("Open the security page")
_UNUSUAL = _(
    "That is more than usual. If nobody of you did it, revoke them and check who may manage your keys."
)

EXPIRING: Final = NotificationKind(
    name="keys.expiring",
    title=_("The key “%(name)s” expires on %(date)s"),
    body=_(
        "Calls with %(masked)s to %(api)s are refused from then on. Make a new key in time, or let this one be "
        "renewed automatically."
    ),
    tone="warn",
    is_important=True,
    action_label=_OPEN,
)
RENEWED: Final = NotificationKind(
    name="keys.renewed",
    title=_("The key “%(name)s” was renewed until %(date)s"),
    tone="ok",
    action_label=_OPEN,
)
ROTATION_DUE: Final = NotificationKind(
    name="keys.rotation_due",
    title=_("The key “%(name)s” is replaced on %(date)s"),
    body=_(
        "You get a new key for %(api)s and can read it once on its page. The old one stays valid for a while beside it."
    ),
    is_important=True,
    action_label=_OPEN,
)
ROTATED: Final = NotificationKind(
    name="keys.rotated",
    title=_("The key “%(name)s” was replaced: read the new one before %(date)s"),
    body=_(
        "The old key %(masked)s for %(api)s works until then. Read the new one on its page, which shows it once, and "
        "put it in place."
    ),
    tone="warn",
    is_important=True,
    action_label=_("Read the new key"),
)
LEAK_REVOKED: Final = NotificationKind(
    name="keys.leak_revoked",
    title=_("The key “%(name)s” was found in public and revoked"),
    body=_(
        "%(masked)s for %(api)s was found at %(url)s. Calls with it are refused; make a new key."
    ),
    tone="bad",
    is_important=True,
    is_mandatory=True,
    action_label=_OPEN,
)
LEAKED: Final = NotificationKind(
    name="keys.leaked",
    title=_("The key “%(name)s” was found in public"),
    body=_(
        "%(masked)s for %(api)s was found at %(url)s. It still works, as your organization chose. Rotate it without "
        "grace, or revoke it."
    ),
    tone="bad",
    is_important=True,
    is_mandatory=True,
    action_label=_OPEN,
)
MANY_CREATED: Final = NotificationKind(
    name="keys.many_created",
    title=_("%(count)s keys were made within 24 hours"),
    body=_UNUSUAL,
    tone="bad",
    is_important=True,
    is_mandatory=True,
    action_label=_OPEN_SECURITY,
)
MANY_ROTATED: Final = NotificationKind(
    name="keys.many_rotated",
    title=_("%(count)s keys were rotated within an hour"),
    body=_UNUSUAL,
    tone="bad",
    is_important=True,
    is_mandatory=True,
    action_label=_OPEN_SECURITY,
)
ALL: Final = (
    EXPIRING,
    RENEWED,
    ROTATION_DUE,
    ROTATED,
    LEAK_REVOKED,
    LEAKED,
    MANY_CREATED,
    MANY_ROTATED,
)
