"""What people want by e-mail; the portal always tells them everything."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.exceptions import RuleViolated
from apps.notifications.kinds import mailed_kinds
from apps.notifications.models import NotificationPreference


@transaction.atomic
def set_mail_choices(*, user: User, choices: Mapping[str, bool], actor: Actor) -> None:
    """Switch the mails of groups on or off; groups that are not named stay as they are.

    Raises:
        RuleViolated: there is no such group, or all of its mails are mandatory.
    """
    groups = mailed_kinds()
    for group, wants_mail in choices.items():
        if group not in groups:
            raise RuleViolated(_("There is no group “%(name)s”.") % {"name": group}, field="groups")
        if not wants_mail and all(kind.is_mandatory for kind in groups[group]):
            raise RuleViolated(_("These mails cannot be switched off."), field="groups")
        _set(user, group, wants_mail=wants_mail, actor=actor)


def _set(user: User, group: str, *, wants_mail: bool, actor: Actor) -> None:
    row, _is_new = NotificationPreference.objects.get_or_create(user=user, group=group)
    if row.wants_mail == wants_mail:
        return
    row.wants_mail = wants_mail
    row.save(update_fields=["wants_mail", "updated_at"])
    record_audit(
        action="notifications:preference:changed",
        target=row,
        actor=actor,
        before={"group": group, "wants_mail": not wants_mail},
        after={"group": group, "wants_mail": wants_mail},
    )
