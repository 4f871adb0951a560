"""Telling people things: in the portal, and by e-mail where it matters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import override

from apps.accounts.models import Organization, User
from apps.core import clock
from apps.core.actors import Actor
from apps.core.mail import send_mail
from apps.notifications.kinds import NotificationKind, kind_of
from apps.notifications.models import Notification
from apps.notifications.selectors.inbox import list_members_who_can, list_staff_with_role, own_inbox
from apps.notifications.selectors.preferences import users_without_mail
from apps.notifications.unsubscribing import unsubscribe_url

MAIL_TEMPLATE = "notifications/message"


@dataclass(frozen=True, slots=True)
class Message:
    """What is told. `dedupe_key` names the fact, so telling it again reaches nobody twice.

    The context holds plain JSON values; `url` is a path of the portal.
    """

    kind: str
    dedupe_key: str
    url: str = ""
    context: dict[str, Any] = field(default_factory=dict)


@transaction.atomic
def notify(
    *, users: Iterable[User], organization: Organization | None, message: Message
) -> list[Notification]:
    """Tell people something once, and mail it to those who want mails of its group when its kind is important.

    Idempotent by user and `dedupe_key`, so receivers that are called again tell nothing twice.

    Returns:
        The notifications that are new.

    Raises:
        KeyError: the kind is not registered.
    """
    kind = kind_of(message.kind)
    readers = list(users)
    without_mail = users_without_mail(kind, readers)
    told = []
    for user in readers:
        row, is_new = Notification.objects.get_or_create(
            user=user,
            dedupe_key=message.dedupe_key,
            defaults={
                "organization": organization,
                "kind": message.kind,
                "context": message.context,
                "url": message.url,
            },
        )
        if not is_new:
            continue
        told.append(row)
        if kind.is_mailed and user.pk not in without_mail:
            _mail(user, kind, message)
    return told


def notify_members(
    *, organization: Organization, permission: str, message: Message
) -> list[Notification]:
    """Tell the members of an organization who hold a permission."""
    members = list_members_who_can(organization, permission)
    return notify(users=members, organization=organization, message=message)


def notify_staff(
    *, organization: Organization | None, role: str, message: Message
) -> list[Notification]:
    """Tell the back office's people of a role something about an organization, or about the installation (None)."""
    return notify(users=list_staff_with_role(role), organization=organization, message=message)


def mark_read(*, notification: Notification, actor: Actor) -> Notification:
    """Mark one message as read; doing it again keeps the first time."""
    own_inbox(actor).filter(pk=notification.pk, read_at=None).update(read_at=clock.now())
    notification.refresh_from_db(fields=["read_at"])
    return notification


def mark_all_read(*, actor: Actor) -> int:
    """Mark everything in the actor's inbox as read and return how many messages were unread."""
    return own_inbox(actor).filter(read_at=None).update(read_at=clock.now())


def _mail(user: User, kind: NotificationKind, message: Message) -> None:
    with override(user.language):
        context = {
            "title": kind.title_for(message.context),
            "body": kind.body_for(message.context),
            "action_label": str(kind.action_label),
            "url": f"{settings.PUBLIC_URL}{message.url}" if message.url else "",
            "name": user.get_short_name(),
            "marketplace_name": settings.MARKETPLACE_NAME,
            "unsubscribe_url": "" if kind.is_mandatory else unsubscribe_url(user, kind.group),
        }
    send_mail(
        template=MAIL_TEMPLATE,
        to=[user.email],
        language=user.language,
        context=context,
        headers=_unsubscribe_headers(context["unsubscribe_url"]),
    )


def _unsubscribe_headers(url: str) -> dict[str, str]:
    """Return what mail programs need for a button that unsubscribes at once (RFC 8058)."""
    if not url:
        return {}
    return {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
