"""Who may see and subscribe to a private API, beside its provider. How they are let in: `accounts.guests`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.guests import GuestLink, GuestLinks, find_guest
from apps.accounts.models import Organization, User
from apps.apis.exceptions import AlreadyInvited, InvitationInvalid
from apps.apis.models import Api, ApiAccess
from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.exceptions import NotFound

LINKS: Final = GuestLinks(
    salt="apis.access",
    member="api",
    route="portal:api_invitation",
    template="apis/invitation",
    action="apis:access:invited",
    too_many=gettext_lazy("At most %(limit)s invitations a day are sent for an API."),
)


@dataclass(frozen=True, slots=True)
class AccessInvitation:
    """What a link of a mail stands for."""

    api: Api
    link: GuestLink


@transaction.atomic
def grant_access(*, api: Api, organization_id: str, actor: Actor) -> ApiAccess:
    """Let an organization, named by its public id, see and subscribe to a private API.

    Raises:
        InvalidInput: no active organization has this id, or it is the provider itself.
        AlreadyInvited: it has access.
    """
    guest = find_guest(organization_id, host_id=api.organization_id)
    return _grant(api, guest, label=actor.label, actor=actor)


@transaction.atomic
def invite_by_mail(*, api: Api, email: str, actor: Actor) -> None:
    """Send a link with which a member of another organization opens the private API to it; valid for seven days.

    What comes back says nothing about whether the address is known.

    Raises:
        InvalidInput: this is not an e-mail address.
        RuleViolated: enough mails were sent for this API today.
    """
    words = {"api": api.name, "provider": api.organization.name}
    LINKS.send(api, email=email, actor=actor, words=words)


def read_invitation(token: str) -> AccessInvitation:
    """Return what an invitation's link stands for.

    Raises:
        InvitationInvalid: forged, expired, or the API is gone or no longer private.
    """
    link = LINKS.read(token)
    if link is None:
        raise InvitationInvalid
    api = Api.objects.select_related("organization").filter(pk=link.thing_id).first()
    if api is None:
        raise InvitationInvalid
    return AccessInvitation(api, link)


@transaction.atomic
def accept_access(*, invitation: AccessInvitation, user: User, actor: Actor) -> ApiAccess:
    """Open a private API to the organization that the invited person works in now. Twice gives one access.

    Raises:
        InvitationInvalid: the person's address is not the invited one, or the provider took the access back since.
    """
    api = invitation.api
    guest = invitation.link.guest_of(api.organization_id, user=user, actor=actor)
    if guest is None:
        raise InvitationInvalid
    found = ApiAccess.objects.filter(api=api, organization=guest).first()
    if found is not None:
        if found.removed_at is None:
            return found
        if found.removed_at > invitation.link.sent_at:
            raise InvitationInvalid
    label = _("invitation by %(provider)s") % {"provider": api.organization.name}
    return _grant(api, guest, label=label, actor=actor)


@transaction.atomic
def remove_access(*, access: ApiAccess, actor: Actor) -> None:
    """Hide the private API from an organization again. Subscriptions that it has go on until somebody ends them.

    Raises:
        NotFound: it has no access any more.
    """
    access = ApiAccess.objects.select_for_update(of=("self",), no_key=True).get(pk=access.pk)
    if access.removed_at is not None:
        raise NotFound
    access.removed_at = clock.now()
    access.save(update_fields=["removed_at", "updated_at"])
    _audit(access, "removed", actor)


def _grant(api: Api, organization: Organization, *, label: str, actor: Actor) -> ApiAccess:
    Api.objects.lock(api.pk)
    access = ApiAccess.objects.filter(api=api, organization=organization).first()
    if access is not None and access.removed_at is None:
        raise AlreadyInvited(field="organization_id")
    access = access or ApiAccess(api=api, organization=organization)
    access.granted_at, access.removed_at = clock.now(), None
    access.granted_by_label = label[:200]
    access.save()
    _audit(access, "granted", actor)
    return access


def _audit(access: ApiAccess, verb: str, actor: Actor) -> None:
    record_audit(
        action=f"apis:access:{verb}",
        target=access.api,
        actor=actor,
        organization_id=access.api.organization_id,
        after={"organization": str(access.organization_id)},
    )
