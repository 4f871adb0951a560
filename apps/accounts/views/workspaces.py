"""Workspaces."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.accounts import selectors, services
from apps.accounts.decorators import ConsoleRequest, console_page
from apps.accounts.forms import WorkspaceForm
from apps.core.exceptions import Forbidden
from apps.core.forms import refusals_on


@console_page("organization.read")
@require_http_methods(["GET", "POST"])
def workspaces(request: ConsoleRequest) -> HttpResponse:
    """List the workspaces; who may, makes another."""
    can_manage = request.actor.can("workspaces.manage")
    form = WorkspaceForm(request.POST or None)
    if request.method == "POST":
        if not can_manage:
            raise Forbidden(required="workspaces.manage")
        if form.is_valid():
            with refusals_on(form):
                services.create_workspace(
                    organization=selectors.get_current_organization(request.actor),
                    actor=request.actor,
                    **form.cleaned_data,
                )
                messages.success(request, _("The workspace was made."))
                return redirect("accounts:workspaces")
    context = {
        "workspaces": selectors.workspaces_of(request.actor),
        "form": form,
        "can_manage": can_manage,
    }
    return render(request, "accounts/workspaces.html", context)


@console_page("workspaces.manage")
@require_http_methods(["GET", "POST"])
def rename_workspace(request: ConsoleRequest, workspace_id: str) -> HttpResponse:
    """Give a workspace another name."""
    workspace = selectors.workspaces_of(request.actor).get_visible(request.actor, workspace_id)
    form = WorkspaceForm(request.POST or None, initial={"name": workspace.name})
    if request.method == "POST" and form.is_valid():
        with refusals_on(form):
            services.rename_workspace(workspace=workspace, actor=request.actor, **form.cleaned_data)
            messages.success(request, _("Saved."))
            return redirect("accounts:workspaces")
    context = {"workspace": workspace, "form": form}
    return render(request, "accounts/workspace.html", context)
