"""Who may see and subscribe to a private API, beside its provider.

An organization is let in by its id, or by a mail to somebody who works there: the answer is the same whether or not the
address is known here, and who follows the link decides for which of their organizations they do. Nobody learns from it
who has an account.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from apps.accounts.models import Organization, User
from apps.apis.exceptions import AlreadyInvited, InvitationInvalid
from apps.apis.models import Api, ApiAccess
from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.exceptions import InvalidInput, NotFound, RuleViolated
from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.core.mail import send_mail
from apps.core.models import AuditEvent

INVITATION_ROUTE: Final = "portal:api_invitation"
VALID_FOR: Final = timedelta(days=7)
MAIL_TEMPLATE: Final = "apis/invitation"
MAX_MAILS_A_DAY: Final = 50
INVITED: Final = "apis:access:invited"
_SALT: Final = "apis.access"


@dataclass(frozen=True, slots=True)
class AccessInvitation:
    """What a link of a mail stands for."""

    api: Api
    email: str
    sent_at: datetime


@transaction.atomic
def grant_access(*, api: Api, organization_id: str, actor: Actor) -> ApiAccess:
    """Let an organization, named by its public id, see and subscribe to a private API.

    Raises:
        InvalidInput: no active organization has this id, or it is the provider itself.
        AlreadyInvited: it has access.
    """
    try:
        key = parse_public_id(Organization.id_prefix, organization_id.strip())
    except InvalidPublicIdError:
        raise _unknown() from None
    organization = Organization.objects.filter(pk=key, is_active=True).first()
    if organization is None or organization.pk == api.organization_id:
        raise _unknown()
    return _grant(api, organization, label=actor.label, actor=actor)


@transaction.atomic
def invite_by_mail(*, api: Api, email: str, actor: Actor) -> None:
    """Send a link with which a member of another organization opens the private API to it; valid for seven days.

    What comes back says nothing about whether the address is known.

    Raises:
        InvalidInput: this is not an e-mail address.
        RuleViolated: enough mails were sent for this API today.
    """
    address = email.strip().lower()
    try:
        validate_email(address)
    except ValidationError:
        raise InvalidInput(_("This is not an e-mail address."), field="email") from None
    _require_few_mails(api)
    # Tokens are dated by the clock of the product, so that tests and people mean the same seven days.
    content = {"api": str(api.pk), "email": address, "at": clock.now().isoformat()}
    token = signing.dumps(content, salt=_SALT, compress=True)
    known = User.objects.filter(email=address).first()
    send_mail(
        template=MAIL_TEMPLATE,
        to=[address],
        language=known.language if known else (get_language() or settings.LANGUAGE_CODE),
        context={
            "api": api.name,
            "provider": api.organization.name,
            "url": f"{settings.PUBLIC_URL}{reverse(INVITATION_ROUTE, args=[token])}",
            "days": VALID_FOR.days,
            "marketplace_name": settings.MARKETPLACE_NAME,
        },
    )
    record_audit(action=INVITED, target=api, actor=actor)


def _require_few_mails(api: Api) -> None:
    since = clock.now() - timedelta(days=1)
    sent = AuditEvent.objects.filter(
        action=INVITED, target_type=Api._meta.label_lower, target_id=api.pk, occurred_at__gt=since
    )
    if sent.count() >= MAX_MAILS_A_DAY:
        detail = _("At most %(limit)s invitations a day are sent for an API.")
        raise RuleViolated(detail % {"limit": MAX_MAILS_A_DAY}, code="too_many_invitations")


def read_invitation(token: str) -> AccessInvitation:
    """Return what an invitation's link stands for.

    Raises:
        InvitationInvalid: forged, expired, or the API is gone or no longer private.
    """
    try:
        content = signing.loads(token, salt=_SALT)
        sent_at = datetime.fromisoformat(content["at"])
    except (signing.BadSignature, ValueError, KeyError, TypeError):
        raise InvitationInvalid from None
    api = Api.objects.select_related("organization").filter(pk=content["api"]).first()
    if api is None or sent_at + VALID_FOR < clock.now():
        raise InvitationInvalid
    return AccessInvitation(api, content["email"], sent_at)


@transaction.atomic
def accept_access(*, invitation: AccessInvitation, user: User, actor: Actor) -> ApiAccess:
    """Open a private API to the organization that the invited person works in now. Twice gives one access.

    Raises:
        InvitationInvalid: the person's address is not the invited one, or the provider took the access back since.
    """
    if actor.organization_id is None:
        raise InvitationInvalid
    organization = Organization.objects.filter(pk=actor.organization_id, is_active=True).first()
    if organization is None or user.email.lower() != invitation.email:
        raise InvitationInvalid
    found = ApiAccess.objects.filter(api=invitation.api, organization=organization).first()
    if found is not None:
        if found.removed_at is None:
            return found
        if found.removed_at > invitation.sent_at:
            raise InvitationInvalid
    label = _("invitation by %(provider)s") % {"provider": invitation.api.organization.name}
    return _grant(invitation.api, organization, label=label, actor=actor)


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


def _unknown() -> InvalidInput:
    return InvalidInput(_("No other organization has this id."), field="organization_id")
