"""Refusals of this app."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from apps.core.exceptions import (
    Conflict,
    DomainError,
    Forbidden,
    PaymentRequired,
    RuleViolated,
)


class LastOwner(Conflict):
    """An organization keeps at least one owner."""

    code = "last_owner"
    title = _("An organization needs an owner. Make somebody else an owner first.")


class AlreadyMember(Conflict):
    """The person works there already."""

    code = "already_member"
    title = _("This person is a member already.")


class AlreadyInvited(Conflict):
    """An open invitation for this address exists."""

    code = "already_invited"
    title = _("This address has an open invitation already.")


class InvitationNotOpen(DomainError):  # noqa: N818 -- named for the fact, as its parents are
    """The invitation was accepted, revoked, or has expired."""

    code = "invitation_not_open"
    status = 410
    title = _("This invitation is no longer open. Ask for a new one.")


class InvitationForAnother(Forbidden):
    """The signed-in person is not the one who was invited."""

    code = "invitation_for_another"
    title = _("This invitation was sent to another address. Sign in with that address.")


class OwnersOnly(Forbidden):
    """Only owners make owners and take their role away."""

    code = "owners_only"
    title = _("Only an owner may do this.")


class PermissionsTooWide(Forbidden):
    """A token may not do more than who creates it."""

    code = "permissions_too_wide"
    title = _("A token cannot hold permissions that you do not hold.")


class UnknownPermission(RuleViolated):
    """The permission does not exist, or not for this kind of token."""

    code = "unknown_permission"
    title = _("There is no such permission.")


class SlugTaken(Conflict):
    """Another workspace of the organization has this name."""

    code = "name_taken"
    title = _("This name is taken.")


class NotASandbox(RuleViolated):
    """Only a sandbox organization has a test clock."""

    code = "not_a_sandbox"
    title = _("Only a sandbox organization has a test clock.")


class ClockBackwards(RuleViolated):
    """A test clock only moves forward."""

    code = "clock_backwards"
    title = _("The test clock only moves forward.")


class ClockIsAdvancing(Conflict):
    """The test clock has not arrived where it was sent before; `reached` is how far it is."""

    code = "clock_is_advancing"
    title = _("The test clock is still on its way.")


class CannotDeactivate(Conflict):
    """Nobody locks themselves out."""

    code = "cannot_deactivate_self"
    title = _("You cannot deactivate your own account.")


class DeletionBlocked(Conflict):
    """The person is the last owner of an organization that is in use; `obstacles` says what to end first."""

    code = "deletion_blocked"
    title = _("You are the last owner of an organization that is still in use")


class NotAMember(Forbidden):
    """The X-Organization-Id header names an organization that the person does not belong to, or none."""

    code = "not_a_member"
    title = _("You are not a member of this organization.")


class PlanRequired(PaymentRequired):
    """The organization's plan does not include the feature; `required_plan` does, and `upgrade_url` leads there."""

    code = "plan_required"
    title = _("Your plan does not include this")


class PlanLapsed(PlanRequired):
    """The plan that included the feature has run out; `lapsed_plan` names it."""

    code = "plan_lapsed"
    title = _("Your plan has run out")


class PlanLimitReached(PaymentRequired):
    """The organization has as many as its plan allows; `limit` says of what, `max` and `used` how many."""

    code = "plan_limit_reached"
    title = _("Your plan allows no more")


class LargestPlanReached(Conflict):
    """The organization has as many as any plan allows."""

    code = "largest_plan_reached"
    title = _("No plan allows more")


class UnknownPlatformPlan(RuleViolated):
    """The platform has no such plan."""

    code = "unknown_platform_plan"
    title = _("There is no such plan.")
