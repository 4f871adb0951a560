"""Who may see and subscribe to a private plan, beside its provider. How they are let in: `accounts.guests`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.accounts.guests import GuestLink, GuestLinks, find_guest
from apps.accounts.models import Organization, User
from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.exceptions import NotFound
from apps.pricing.exceptions import InvitedToPlanAlready, PlanInvitationInvalid
from apps.pricing.models import Plan, PlanInvitation

LINKS: Final = GuestLinks(
    salt="pricing.plan_invitation",
    member="plan",
    route="portal:plan_invitation",
    template="pricing/plan_invitation",
    action="pricing:invitation:mailed",
    too_many=_("At most %(limit)s invitations a day are sent for a plan."),
)


@dataclass(frozen=True, slots=True)
class PlanLink:
    """What a link of a mail stands for."""

    plan: Plan
    link: GuestLink


@transaction.atomic
def invite_to_plan(*, plan: Plan, organization_id: str, actor: Actor) -> PlanInvitation:
    """Let an organization, named by its public id, see and subscribe to a private plan.

    Raises:
        InvalidInput: no active organization has this id, or it is the provider itself.
        InvitedToPlanAlready: it is invited.
    """
    guest = find_guest(organization_id, host_id=plan.organization_id)
    return _invite(plan, guest, actor=actor)


@transaction.atomic
def invite_to_plan_by_mail(*, plan: Plan, email: str, actor: Actor) -> None:
    """Send a link with which a member of another organization opens the private plan to it; valid for seven days.

    Raises:
        InvalidInput: this is not an e-mail address.
        RuleViolated: enough mails were sent for this plan today.
    """
    words = {"plan": plan.name, "api": plan.api.name, "provider": plan.organization.name}
    LINKS.send(plan, email=email, actor=actor, words=words)


def read_plan_link(token: str) -> PlanLink:
    """Return what an invitation's link stands for.

    Raises:
        PlanInvitationInvalid: forged, expired, or the plan is gone.
    """
    link = LINKS.read(token)
    if link is None:
        raise PlanInvitationInvalid
    plan = Plan.objects.select_related("api", "organization").filter(pk=link.thing_id).first()
    if plan is None:
        raise PlanInvitationInvalid
    return PlanLink(plan, link)


@transaction.atomic
def accept_plan_invitation(*, link: PlanLink, user: User, actor: Actor) -> PlanInvitation:
    """Open a private plan to the organization that the invited person works in now. Twice gives one invitation.

    Raises:
        PlanInvitationInvalid: the person's address is not the invited one, or the provider took it back since.
    """
    plan = link.plan
    guest = link.link.guest_of(plan.organization_id, user=user, actor=actor)
    if guest is None:
        raise PlanInvitationInvalid
    found = PlanInvitation.objects.filter(plan=plan, organization=guest).first()
    if found is not None:
        if found.removed_at is None:
            return found
        if found.removed_at > link.link.sent_at:
            raise PlanInvitationInvalid
    return _invite(plan, guest, actor=actor)


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


def _audit(invitation: PlanInvitation, verb: str, actor: Actor) -> None:
    record_audit(
        action=f"pricing:invitation:{verb}",
        target=invitation.plan,
        actor=actor,
        organization_id=invitation.plan.organization_id,
        after={"organization": str(invitation.organization_id)},
    )
