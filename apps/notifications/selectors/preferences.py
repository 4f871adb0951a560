"""Who wants which mails."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from apps.accounts.models import User
from apps.core.actors import Actor
from apps.notifications.groups import Text, explanation_of, label_of
from apps.notifications.kinds import NotificationKind, mailed_kinds
from apps.notifications.models import NotificationPreference


@dataclass(frozen=True, slots=True)
class MailChoice:
    """A group of messages and whether a person gets mails of it. `has_mandatory`: some come whatever they chose."""

    group: str
    label: Text
    explanation: Text
    wants_mail: bool
    has_mandatory: bool
    can_switch_off: bool


def list_mail_choices(actor: Actor) -> list[MailChoice]:
    """Return the groups of which mails are sent, with the actor's choice for each; empty for programs."""
    if actor.user_id is None:
        return []
    refused = set(
        NotificationPreference.objects.filter(user_id=actor.user_id, wants_mail=False).values_list(
            "group", flat=True
        )
    )
    return [
        MailChoice(
            group=group,
            label=label_of(group),
            explanation=explanation_of(group),
            wants_mail=group not in refused,
            has_mandatory=any(kind.is_mandatory for kind in kinds),
            can_switch_off=not all(kind.is_mandatory for kind in kinds),
        )
        for group, kinds in mailed_kinds().items()
    ]


def users_without_mail(kind: NotificationKind, users: Iterable[User]) -> set[UUID]:
    """Return who of the users gets no mail of a kind because they switched its group off."""
    if not kind.is_mailed or kind.is_mandatory:
        return set()
    return set(
        NotificationPreference.objects.filter(
            user__in=users, group=kind.group, wants_mail=False
        ).values_list("user_id", flat=True)
    )
