"""Private plans: who is invited, and the page that an invitation's link opens."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.accounts.selectors import get_current_organization
from apps.apis.forms import AccessForm
from apps.core.exceptions import DomainError
from apps.core.forms import refusals_on
from apps.portal.views.plans import LIST_ROUTE, MANAGE, PAGE_ROUTE, READ
from apps.pricing import selectors, services

ACCESS_ROUTE = "portal:provider_plan_access"


@console_page(READ)
@require_http_methods(["GET", "HEAD", "POST"])
def access(request: ConsoleRequest, plan_id: str) -> HttpResponse:
    """List who may see a private plan; a POST invites one more."""
    plan = selectors.get_provider_plan(request.actor, plan_id)
    can_manage = request.actor.can(MANAGE)
    form = AccessForm(request.POST or None)
    if request.method == "POST" and can_manage and form.is_valid():
        with refusals_on(form):
            email = form.cleaned_data["email"]
            if email:
                services.invite_to_plan_by_mail(plan=plan, email=email, actor=request.actor)
                said = _("The invitation is on its way. Whoever follows it appears in the list.")
            else:
                services.invite_to_plan(
                    plan=plan,
                    organization_id=form.cleaned_data["organization_id"],
                    actor=request.actor,
                )
                said = _("The organization is invited.")
            messages.success(request, said)
            return redirect(ACCESS_ROUTE, plan.public_id)
    page = reverse(PAGE_ROUTE, args=[plan.public_id])
    context = {
        "plan": plan,
        "rows": list(selectors.list_plan_invitations(plan)),
        "form": form,
        "can_manage": can_manage,
        "crumbs": [(_("Plans"), reverse(LIST_ROUTE)), (plan.name, page), (_("Invitations"), "")],
    }
    return render(request, "pricing/access.html", context)


@console_page(MANAGE)
@require_POST
def remove(request: ConsoleRequest, plan_id: str, invitation_id: str) -> HttpResponse:
    """Hide the plan from an organization again."""
    plan = selectors.get_provider_plan(request.actor, plan_id)
    row = selectors.get_plan_invitation(plan, invitation_id)
    services.remove_plan_invitation(invitation=row, actor=request.actor)
    said = _("%(name)s no longer sees the plan. A subscription that it has goes on.")
    messages.success(request, said % {"name": row.organization.name})
    return redirect(ACCESS_ROUTE, plan.public_id)


@console_page("subscriptions.manage")
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: ConsoleRequest, token: str) -> HttpResponse:
    """Show an invitation to a private plan; a POST accepts it for the present organization."""
    link = services.read_plan_link(token)
    organization = get_current_organization(request.actor)
    if request.method == "POST":
        try:
            services.accept_plan_invitation(link=link, user=request.user, actor=request.actor)
        except DomainError as error:
            messages.error(request, str(error.detail))
            return redirect("portal:console")
        messages.success(
            request, _("Your organization may choose the plan %(name)s.") % {"name": link.plan.name}
        )
        return redirect("portal:subscribe", link.plan.public_id)
    context = {
        "question": _("Open the private plan %(name)s?") % {"name": link.plan.name},
        "lead": link.plan.description,
        "effects": [
            _("%(provider)s offers it for %(api)s to organizations that it chooses.")
            % {"provider": link.plan.organization.name, "api": link.plan.api.name},
            _("Members of %(organization)s will see it and may subscribe to it.")
            % {"organization": organization.name},
            _("It costs nothing before somebody subscribes."),
        ],
        "verb": _("Accept"),
        "action": request.path,
        "cancel_url": reverse("portal:console"),
    }
    return render(request, "layouts/confirm.html", context)
