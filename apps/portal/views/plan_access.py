"""Private plans: who is invited, and the page that an invitation's link opens."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.apis.forms import AccessForm
from apps.portal.views.guests import Opening, answer_link, let_in
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
        actor = request.actor
        invited = let_in(
            request,
            form,
            by_mail=lambda mail: services.invite_to_plan_by_mail(
                plan=plan, email=mail, actor=actor
            ),
            by_id=lambda key: services.invite_to_plan(plan=plan, organization_id=key, actor=actor),
            done=_("The organization is invited."),
        )
        if invited:
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
    plan = link.plan
    opening = Opening(
        question=_("Open the private plan %(name)s?") % {"name": plan.name},
        lead=plan.description,
        offer=_("%(provider)s offers it for %(api)s to organizations that it chooses.")
        % {"provider": plan.organization.name, "api": plan.api.name},
        accept=lambda: services.accept_plan_invitation(
            link=link, user=request.user, actor=request.actor
        ),
        done=_("Your organization may choose the plan %(name)s.") % {"name": plan.name},
        leads_to=reverse("portal:subscribe", args=[plan.public_id]),
    )
    return answer_link(request, opening)
