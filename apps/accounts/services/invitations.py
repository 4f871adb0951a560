"""Invitations: offered by mail, accepted by the person whose address it is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import override

from apps.accounts.credentials import digest_of, invitation_secret
from apps.accounts.enums import PlatformLimit, Role
from apps.accounts.exceptions import (
    AlreadyInvited,
    AlreadyMember,
    InvitationForAnother,
    InvitationNotOpen,
)
from apps.accounts.models import Invitation, Membership, Organization, User
from apps.accounts.platform_plans.gates import require_room
from apps.accounts.services.members import add_member, require_owner_for_owner_role
from apps.core import clock, mail, outbox
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.ids import uuid7

INVITATION_MAIL_TOPIC: Final = "accounts.invitation_mail"
VALID_FOR: Final = timedelta(days=7)


@transaction.atomic
def invite_member(*, organization: Organization, email: str, role: str, actor: Actor) -> Invitation:
    """Offer somebody a role; the link goes out by mail and is valid for seven days.

    Raises:
        OwnersOnly: who is not an owner offers ownership.
        AlreadyMember: the address belongs to a member.
        AlreadyInvited: an open invitation exists (revoke it first).
        PlanLimitReached: the organization's plan allows no more people.
    """
    require_owner_for_owner_role(actor, role)
    email = email.strip().lower()
    Organization.objects.lock(organization.pk)
    if Membership.objects.filter(organization=organization, user__email=email).exists():
        raise AlreadyMember(field="email")
    _forget_expired(organization, email)
    if _open_invitations(organization, email).exists():
        raise AlreadyInvited(field="email")
    require_room(organization.pk, PlatformLimit.MEMBERS, field="email")
    invitation_id = uuid7()
    invitation = Invitation(
        id=invitation_id,
        organization=organization,
        email=email,
        role=Role(role),
        token_digest=digest_of(invitation_secret(invitation_id)),
        invited_by_id=actor.user_id,
        expires_at=clock.now() + VALID_FOR,
    )
    invitation.full_clean()
    invitation.save()
    record_audit(
        action="accounts:invitation:created",
        target=invitation,
        actor=actor,
        after={"role": role},
    )
    outbox.enqueue(INVITATION_MAIL_TOPIC, {"invitation_id": str(invitation.pk)})
    return invitation


@transaction.atomic
def accept_invitation(*, invitation: Invitation, user: User, actor: Actor) -> Membership:
    """Make the invited person a member.

    Raises:
        InvitationForAnother: the person's address is not the invited one.
        InvitationNotOpen: accepted, revoked or expired. Publishes: MemberJoined.
    """
    invitation = Invitation.objects.lock(invitation.pk)
    if user.email != invitation.email:
        raise InvitationForAnother
    now = clock.now()
    if invitation.accepted_at or invitation.revoked_at or invitation.expires_at <= now:
        raise InvitationNotOpen
    invitation.accepted_at = now
    invitation.save(update_fields=["accepted_at", "updated_at"])
    organization = Organization.objects.get(pk=invitation.organization_id)
    return add_member(organization=organization, user=user, role=invitation.role, actor=actor)


@transaction.atomic
def revoke_invitation(*, invitation: Invitation, actor: Actor) -> Invitation:
    """Take an open invitation back; its link stops working.

    Raises:
        InvitationNotOpen: it was accepted or revoked already.
    """
    invitation = Invitation.objects.lock(invitation.pk)
    if invitation.accepted_at or invitation.revoked_at:
        raise InvitationNotOpen
    invitation.revoked_at = clock.now()
    invitation.save(update_fields=["revoked_at", "updated_at"])
    record_audit(action="accounts:invitation:revoked", target=invitation, actor=actor)
    return invitation


@outbox.handles(INVITATION_MAIL_TOPIC)
def deliver_invitation_mail(payload: dict[str, Any]) -> None:
    """Send the link, unless the invitation was taken back meanwhile."""
    rows = Invitation.objects.select_related("organization", "invited_by")
    invitation = rows.filter(pk=UUID(payload["invitation_id"]), revoked_at=None).first()
    if invitation is None:
        return
    path = reverse("accounts:invitation", args=[invitation_secret(invitation.pk)])
    inviter = invitation.invited_by
    language = inviter.language if inviter else settings.LANGUAGE_CODE
    with override(language):
        role = str(Role(invitation.role).label)
    context = {
        "organization": invitation.organization.name,
        "inviter": inviter.get_full_name() if inviter else invitation.organization.name,
        "role": role,
        "url": f"{settings.PUBLIC_URL}{path}",
        "days": VALID_FOR.days,
        "marketplace_name": settings.MARKETPLACE_NAME,
    }
    mail.deliver_mail(
        {
            "template": "accounts/invitation",
            "to": [invitation.email],
            "language": language,
            "context": context,
        }
    )


def _open_invitations(organization: Organization, email: str) -> Any:
    return Invitation.objects.filter(
        organization=organization, email=email, accepted_at=None, revoked_at=None
    )


def _forget_expired(organization: Organization, email: str) -> None:
    """An expired offer must not block a new one."""
    now = clock.now()
    _open_invitations(organization, email).filter(expires_at__lte=now).update(revoked_at=now)
