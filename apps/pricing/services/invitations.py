"""Who may see and subscribe to a private plan, beside its provider.

As with private APIs (`apis.services.access`): by the organization's id, or by a mail whose answer does not say whether
the address is known here. Whoever follows the link decides for which of their organizations they do.
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
from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.exceptions import InvalidInput, NotFound, RuleViolated
from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.core.mail import send_mail
from apps.core.models import AuditEvent
from apps.pricing.exceptions import InvitedToPlanAlready, PlanInvitationInvalid
from apps.pricing.models import Plan, PlanInvitation

INVITATION_ROUTE: Final = "portal:plan_invitation"
VALID_FOR: Final = timedelta(days=7)
MAIL_TEMPLATE: Final = "pricing/plan_invitation"
MAX_MAILS_A_DAY: Final = 50
MAILED: Final = "pricing:invitation:mailed"
_SALT: Final = "pricing.plan_invitation"


@dataclass(frozen=True, slots=True)
class PlanLink:
    """What a link of a mail stands for."""

    plan: Plan
    email: str
    sent_at: datetime


@transaction.atomic
def invite_to_plan(*, plan: Plan, organization_id: str, actor: Actor) -> PlanInvitation:
    """Let an organization, named by its public id, see and subscribe to a private plan.

    Raises:
        InvalidInput: no active organization has this id, or it is the provider itself.
        InvitedToPlanAlready: it is invited.
    """
    try:
        key = parse_public_id(Organization.id_prefix, organization_id.strip())
    except InvalidPublicIdError:
        raise _unknown() from None
    organization = Organization.objects.filter(pk=key, is_active=True).first()
    if organization is None or organization.pk == plan.organization_id:
        raise _unknown()
    return _invite(plan, organization, actor=actor)


@transaction.atomic
def invite_to_plan_by_mail(*, plan: Plan, email: str, actor: Actor) -> None:
    """Send a link with which a member of another organization opens the private plan to it; valid for seven days.

    Raises:
        InvalidInput: this is not an e-mail address.
        RuleViolated: enough mails were sent for this plan today.
    """
    address = email.strip().lower()
    try:
        validate_email(address)
    except ValidationError:
        raise InvalidInput(_("This is not an e-mail address."), field="email") from None
    _require_few_mails(plan)
    content = {"plan": str(plan.pk), "email": address, "at": clock.now().isoformat()}
    token = signing.dumps(content, salt=_SALT, compress=True)
    known = User.objects.filter(email=address).first()
    send_mail(
        template=MAIL_TEMPLATE,
        to=[address],
        language=known.language if known else (get_language() or settings.LANGUAGE_CODE),
        context={
            "plan": plan.name,
            "api": plan.api.name,
            "provider": plan.organization.name,
            "url": f"{settings.PUBLIC_URL}{reverse(INVITATION_ROUTE, args=[token])}",
            "days": VALID_FOR.days,
            "marketplace_name": settings.MARKETPLACE_NAME,
        },
    )
    record_audit(action=MAILED, target=plan, actor=actor)


def read_plan_link(token: str) -> PlanLink:
    """Return what an invitation's link stands for.

    Raises:
        PlanInvitationInvalid: forged, expired, or the plan is gone.
    """
    try:
        content = signing.loads(token, salt=_SALT)
        sent_at = datetime.fromisoformat(content["at"])
    except (signing.BadSignature, ValueError, KeyError, TypeError):
        raise PlanInvitationInvalid from None
    plan = Plan.objects.select_related("api", "organization").filter(pk=content["plan"]).first()
    if plan is None or sent_at + VALID_FOR < clock.now():
        raise PlanInvitationInvalid
    return PlanLink(plan, content["email"], sent_at)


@transaction.atomic
def accept_plan_invitation(*, link: PlanLink, user: User, actor: Actor) -> PlanInvitation:
    """Open a private plan to the organization that the invited person works in now. Twice gives one invitation.

    Raises:
        PlanInvitationInvalid: the person's address is not the invited one, or the provider took it back since.
    """
    if actor.organization_id is None or user.email.lower() != link.email:
        raise PlanInvitationInvalid
    organization = Organization.objects.filter(pk=actor.organization_id, is_active=True).first()
    if organization is None or organization.pk == link.plan.organization_id:
        raise PlanInvitationInvalid
    found = PlanInvitation.objects.filter(plan=link.plan, organization=organization).first()
    if found is not None:
        if found.removed_at is None:
            return found
        if found.removed_at > link.sent_at:
            raise PlanInvitationInvalid
    return _invite(link.plan, organization, actor=actor)


@transaction.atomic
def remove_plan_invitation(*, invitation: PlanInvitation, actor: Actor) -> None:
    """Hide the private plan from an organization again. A subscription that it has goes on.

    Raises:
        NotFound: it is not invited any more.
    """
    rows = PlanInvitation.objects.select_for_update(of=("self",), no_key=True)
    invitation = rows.get(pk=invitation.pk)
    if invitation.removed_at is not None:
        raise NotFound
    invitation.removed_at = clock.now()
    invitation.save(update_fields=["removed_at", "updated_at"])
    _audit(invitation, "removed", actor)


def _invite(plan: Plan, organization: Organization, *, actor: Actor) -> PlanInvitation:
    Plan.objects.lock(plan.pk)
    found = PlanInvitation.objects.filter(plan=plan, organization=organization).first()
    if found is not None and found.removed_at is None:
        raise InvitedToPlanAlready(field="organization_id")
    invitation = found or PlanInvitation(plan=plan, organization=organization)
    invitation.invited_at, invitation.removed_at = clock.now(), None
    invitation.invited_by_user_id = actor.user_id
    invitation.save()
    _audit(invitation, "granted", actor)
    return invitation


def _require_few_mails(plan: Plan) -> None:
    since = clock.now() - timedelta(days=1)
    sent = AuditEvent.objects.filter(
        action=MAILED, target_type=Plan._meta.label_lower, target_id=plan.pk, occurred_at__gt=since
    )
    if sent.count() >= MAX_MAILS_A_DAY:
        detail = _("At most %(limit)s invitations a day are sent for a plan.")
        raise RuleViolated(detail % {"limit": MAX_MAILS_A_DAY}, code="too_many_invitations")


def _audit(invitation: PlanInvitation, verb: str, actor: Actor) -> None:
    record_audit(
        action=f"pricing:invitation:{verb}",
        target=invitation.plan,
        actor=actor,
        organization_id=invitation.plan.organization_id,
        after={"organization": str(invitation.organization_id)},
    )


def _unknown() -> InvalidInput:
    return InvalidInput(_("No other organization has this id."), field="organization_id")
