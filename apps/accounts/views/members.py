"""Members and invitations."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts import selectors, services
from apps.accounts.decorators import ConsoleRequest, console_page
from apps.accounts.enums import Role
from apps.accounts.forms import InviteForm, RoleForm
from apps.accounts.middleware import SESSION_ORGANIZATION, SESSION_WORKSPACE
from apps.core.exceptions import DomainError, Forbidden
from apps.core.forms import refusals_on


@console_page("organization.read")
def members(request: ConsoleRequest) -> HttpResponse:
    """List who works here, and who is invited."""
    return _render(request, InviteForm())


@console_page("members.manage")
@require_POST
def invite(request: ConsoleRequest) -> HttpResponse:
    """Invite somebody by mail."""
    form = InviteForm(request.POST)
    if form.is_valid():
        with refusals_on(form):
            services.invite_member(
                organization=selectors.get_current_organization(request.actor),
                actor=request.actor,
                **form.cleaned_data,
            )
            messages.success(
                request, _("Invitation sent to %(email)s.") % {"email": form.cleaned_data["email"]}
            )
            return redirect("accounts:members")
    return _render(request, form, status=422)


@console_page("members.manage")
@require_POST
def change_role(request: ConsoleRequest, member_id: str) -> HttpResponse:
    """Give a member another role."""
    membership = selectors.members_of(request.actor).get_visible(request.actor, member_id)
    form = RoleForm(request.POST)
    if form.is_valid():
        try:
            services.change_role(
                membership=membership, role=form.cleaned_data["role"], actor=request.actor
            )
            messages.success(request, _("Role changed."))
        except DomainError as error:
            messages.error(request, str(error.detail))
    return redirect("accounts:members")


@console_page()
@require_http_methods(["GET", "POST"])
def remove_member(request: ConsoleRequest, member_id: str) -> HttpResponse:
    """Ask, then end a membership. Everybody may leave; removing others needs the permission."""
    membership = selectors.members_of(request.actor).get_visible(request.actor, member_id)
    is_self = membership.user_id == request.actor.user_id
    if not is_self and not request.actor.can("members.manage"):
        raise Forbidden(required="members.manage")
    if request.method == "POST":
        try:
            services.remove_member(membership=membership, actor=request.actor)
        except DomainError as error:
            messages.error(request, str(error.detail))
            return redirect("accounts:members")
        if is_self:
            request.session.pop(SESSION_ORGANIZATION, None)
            request.session.pop(SESSION_WORKSPACE, None)
            return redirect("/console/")
        messages.success(request, _("The member was removed."))
        return redirect("accounts:members")
    name = membership.user.get_full_name()
    organization = selectors.get_current_organization(request.actor)
    context = {
        "question": _("Leave %(organization)s?") % {"organization": organization.name}
        if is_self
        else _("Remove %(name)s?") % {"name": name},
        "action": request.path,
        "effects": [
            _("%(name)s loses access to %(organization)s at once.")
            % {"name": name, "organization": organization.name},
            _("Keys and service tokens that they made keep working."),
        ],
        "verb": _("Leave") if is_self else _("Remove"),
        "cancel_url": reverse("accounts:members"),
        "is_danger": True,
    }
    return render(request, "layouts/confirm.html", context)


@console_page("members.manage")
@require_POST
def revoke_invitation(request: ConsoleRequest, invitation_id: str) -> HttpResponse:
    """Take an invitation back."""
    rows = selectors.invitations_of(request.actor)
    services.revoke_invitation(
        invitation=rows.get_visible(request.actor, invitation_id), actor=request.actor
    )
    messages.success(request, _("The invitation was taken back."))
    return redirect("accounts:members")


def _render(request: ConsoleRequest, form: InviteForm, status: int = 200) -> HttpResponse:
    can_manage = request.actor.can("members.manage")
    context = {
        "members": selectors.members_of(request.actor),
        "invitations": selectors.invitations_of(request.actor) if can_manage else [],
        "roles": Role.choices,
        "form": form,
        "can_manage": can_manage,
    }
    return render(request, "accounts/members.html", context, status=status)
