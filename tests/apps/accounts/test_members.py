"""Members, invitations: who may come, who must stay."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.db import transaction

from apps.accounts import selectors, services
from apps.accounts.credentials import invitation_secret
from apps.accounts.exceptions import (
    AlreadyInvited,
    AlreadyMember,
    InvitationForAnother,
    InvitationNotOpen,
    LastOwner,
    OwnersOnly,
)
from apps.accounts.models import Invitation, Membership
from apps.core import clock, relay
from apps.core.exceptions import Forbidden
from apps.core.models import OutboxMessage
from tests.factories.accounts import UserFactory, actor_of, make_member

pytestmark = pytest.mark.django_db


def invite(
    member: Membership, email: str = "new@example.com", role: str = "developer"
) -> Invitation:
    return services.invite_member(
        organization=member.organization, email=email, role=role, actor=actor_of(member)
    )


def test_invitation_mail_carries_a_link_that_nothing_stores() -> None:
    member = make_member("admin", name="Acme", language="fr")

    invitation = invite(member)
    payload = OutboxMessage.objects.get(topic="accounts.invitation_mail").payload
    relay.drain_until_empty()

    secret = invitation_secret(invitation.pk)
    assert payload == {"invitation_id": str(invitation.pk)}
    assert secret not in Invitation.objects.values_list("token_digest", flat=True)
    (message,) = mail.outbox
    assert message.to == ["new@example.com"]
    assert f"/invitations/{secret}/" in message.body
    assert selectors.find_invitation(secret) == invitation


def test_accept_invitation_makes_the_invited_person_a_member_once() -> None:
    member, guest = make_member("owner"), UserFactory(email="new@example.com")
    invitation = invite(member)

    joined = services.accept_invitation(invitation=invitation, user=guest, actor=actor_of(guest))

    assert (joined.organization, joined.role) == (member.organization, "developer")
    with pytest.raises(InvitationNotOpen):
        services.accept_invitation(invitation=invitation, user=guest, actor=actor_of(guest))


def test_accept_invitation_refuses_another_address() -> None:
    invitation, stranger = invite(make_member("owner")), UserFactory()

    with pytest.raises(InvitationForAnother):
        services.accept_invitation(invitation=invitation, user=stranger, actor=actor_of(stranger))

    assert not stranger.memberships.exists()


@pytest.mark.parametrize("end", ["revoke", "expire"])
def test_accept_invitation_refuses_one_that_ended(end: str) -> None:
    member, guest = make_member("owner"), UserFactory(email="new@example.com")
    invitation = invite(member)
    if end == "revoke":
        services.revoke_invitation(invitation=invitation, actor=actor_of(member))
    else:
        Invitation.objects.update(expires_at=clock.now() - timedelta(seconds=1))

    with pytest.raises(InvitationNotOpen):
        services.accept_invitation(invitation=invitation, user=guest, actor=actor_of(guest))

    assert not guest.memberships.exists()


def test_invite_refuses_members_and_open_invitations_but_not_expired_ones() -> None:
    member = make_member("owner")
    invite(member)

    with pytest.raises(AlreadyInvited):
        invite(member, "NEW@example.com")
    with pytest.raises(AlreadyMember):
        invite(member, member.user.email)
    Invitation.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    again = invite(member)

    assert selectors.invitations_of(actor_of(member)).get() == again


def test_revoked_invitation_is_not_mailed() -> None:
    member = make_member("owner")
    services.revoke_invitation(invitation=invite(member), actor=actor_of(member))

    relay.drain_until_empty()

    assert mail.outbox == []


def test_only_owners_handle_the_owner_role() -> None:
    owner = make_member("owner")
    admin = make_member("admin", owner.organization)
    developer = make_member("developer", owner.organization)

    with pytest.raises(OwnersOnly):
        invite(admin, role="owner")
    with pytest.raises(OwnersOnly):
        services.change_role(membership=developer, role="owner", actor=actor_of(admin))
    with pytest.raises(OwnersOnly):
        services.remove_member(membership=owner, actor=actor_of(admin))
    services.change_role(membership=developer, role="owner", actor=actor_of(owner))

    developer.refresh_from_db()
    assert developer.role == "owner"


def test_the_last_owner_stays_owner() -> None:
    owner = make_member("owner")
    make_member("owner", owner.organization, is_active=False)

    with pytest.raises(LastOwner):
        services.change_role(membership=owner, role="admin", actor=actor_of(owner))
    with pytest.raises(LastOwner):
        services.remove_member(membership=owner, actor=actor_of(owner))

    owner.refresh_from_db()
    assert owner.role == "owner"


def test_remove_member_ends_the_membership() -> None:
    owner = make_member("owner")
    developer = make_member("developer", owner.organization)

    services.remove_member(membership=developer, actor=actor_of(owner))

    assert list(selectors.members_of(actor_of(owner))) == [owner]
    assert actor_of(developer.user).organization_id is None


@pytest.mark.parametrize("role", ["viewer", "developer", "billing"])
def test_remove_member_is_for_managers_and_leaving_for_everybody(role: str) -> None:
    member = make_member(role)
    colleague = make_member("viewer", member.organization)

    with pytest.raises(Forbidden):
        services.remove_member(membership=colleague, actor=actor_of(member))
    services.remove_member(membership=member, actor=actor_of(member))

    assert list(member.organization.memberships.all()) == [colleague]


@pytest.mark.django_db(transaction=True)
def test_two_owners_cannot_leave_at_once() -> None:
    """The second one waits for the first one's transaction and then finds itself the last."""
    first = make_member("owner")
    second = make_member("owner", first.organization)

    with transaction.atomic():
        services.remove_member(membership=first, actor=actor_of(first))
    with pytest.raises(LastOwner):
        services.remove_member(membership=second, actor=actor_of(second))
