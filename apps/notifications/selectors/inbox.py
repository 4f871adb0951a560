"""Reads of this app: inboxes, and who belongs to an audience."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from apps.accounts.models import Organization, User
from apps.accounts.roles import PERMISSIONS
from apps.core.actors import Actor
from apps.core.exceptions import NotFound
from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.notifications.models import Notification


def own_inbox(actor: Actor) -> QuerySet[Notification]:
    """Return what the actor was told, newest first: their own only, whatever their role."""
    if actor.user_id is None:
        return Notification.objects.none()
    return Notification.objects.filter(user_id=actor.user_id)


def count_unread(actor: Actor) -> int:
    """Return how many messages wait in the actor's inbox."""
    return own_inbox(actor).filter(read_at=None).count()


def get_notification(actor: Actor, public_id: str) -> Notification:
    """Return one message of the actor's inbox.

    Raises:
        NotFound: unknown, or somebody else's.
    """
    try:
        key = parse_public_id(Notification.id_prefix, public_id)
    except InvalidPublicIdError:
        raise NotFound from None
    row = own_inbox(actor).filter(pk=key).first()
    if row is None:
        raise NotFound
    return row


def list_members_who_can(organization: Organization, permission: str) -> QuerySet[User]:
    """Return the active members of an organization whose role holds a permission."""
    roles = [role for role, held in PERMISSIONS.items() if permission in held]
    return User.objects.filter(
        is_active=True, memberships__organization=organization, memberships__role__in=roles
    ).order_by("pk")


def list_staff_with_role(role: str) -> QuerySet[User]:
    """Return the active people of the back office who hold a role, superusers included."""
    return (
        User.objects.filter(
            Q(groups__name=role) | Q(is_superuser=True), is_active=True, is_staff=True
        )
        .distinct()
        .order_by("pk")
    )
