"""People: their profile, their work for the operator, and locking them out."""

from __future__ import annotations

from typing import Any, Final

from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Group
from django.db import transaction

from apps.accounts.enums import StaffRole
from apps.accounts.events import UserDeactivated
from apps.accounts.exceptions import CannotDeactivate
from apps.accounts.models import ServiceToken, User
from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.events import publish

CHANGEABLE: Final = frozenset({"name", "language", "timezone"})


@transaction.atomic
def update_profile(*, user: User, actor: Actor, **changes: Any) -> User:
    """Change name, language or time zone.

    Raises:
        ValidationError: a value is malformed.
    """
    unknown = changes.keys() - CHANGEABLE
    if unknown:
        raise TypeError(f"not changeable: {', '.join(sorted(unknown))}")
    for name, value in changes.items():
        setattr(user, name, value)
    user.full_clean()
    user.save(update_fields=[*changes, "updated_at"])
    record_audit(
        action="accounts:user:changed", target=user, actor=actor, after={"fields": sorted(changes)}
    )
    return user


@transaction.atomic
def create_staff_user(
    *, email: str, password: str, roles: frozenset[StaffRole], actor: Actor, name: str = ""
) -> User:
    """Make a person of the operator with a verified address, or give an existing one these roles.

    The password and the name of an existing person stay as they are.
    """
    user = User.objects.filter(email=email.strip().lower()).first()
    if user is None:
        user = User.objects.create_user(email, password, name=name)
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    user.is_staff = True
    user.save(update_fields=["is_staff", "updated_at"])
    groups = [Group.objects.get_or_create(name=role.value)[0] for role in sorted(roles)]
    user.groups.set(groups)
    record_audit(
        action="accounts:user:staff_roles_set",
        target=user,
        actor=actor,
        after={"roles": sorted(roles)},
    )
    return user


@transaction.atomic
def deactivate_user(*, user: User, actor: Actor, reason: str) -> User:
    """Lock a person out at once: no login, no session, no token of theirs works any more.

    Service tokens that they created are revoked too: nobody answers for them now.

    Raises:
        CannotDeactivate: one's own account. Publishes: UserDeactivated.
    """
    if user.pk == actor.user_id:
        raise CannotDeactivate
    user.is_active = False
    user.save(update_fields=["is_active", "updated_at"])
    _end_sessions(user)
    tokens = ServiceToken.objects.filter(created_by=user, revoked_at=None)
    revoked = tokens.update(revoked_at=clock.now())
    record_audit(
        action="accounts:user:deactivated",
        target=user,
        actor=actor,
        after={"tokens_revoked": revoked},
        reason=reason,
    )
    publish(UserDeactivated(user_id=user.pk))
    return user


@transaction.atomic
def reactivate_user(*, user: User, actor: Actor, reason: str) -> User:
    """Let a person log in again; their old sessions and tokens stay ended."""
    user.is_active = True
    user.save(update_fields=["is_active", "updated_at"])
    record_audit(action="accounts:user:reactivated", target=user, actor=actor, reason=reason)
    return user


def _end_sessions(user: User) -> None:
    for session in UserSession.objects.filter(user=user):
        session.end()
