"""Portal pages of budgets."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.accounts.selectors import get_current_organization
from apps.core.exceptions import DomainError
from apps.usage.budget_forms import BudgetForm
from apps.usage.budget_series import draw_budget, past_standings
from apps.usage.budget_standings import standings_of
from apps.usage.models import Budget
from apps.usage.selectors.budgets import alerts_of, get_budget, list_budgets
from apps.usage.services.budgeting import archive_budget, change_budget, create_budget

READ = "billing.read"
MANAGE = "billing.manage"
SHOWN_ALERTS = 20


@console_page(READ)
@require_GET
def budgets(request: ConsoleRequest) -> HttpResponse:
    """Answer which budgets run out; one line each."""
    rows = list(list_budgets(request.actor))
    standings = standings_of(rows)
    context = {
        "standings": [standings[row.pk] for row in rows],
        "can_manage": request.actor.can(MANAGE),
        "crumbs": [(_("Usage"), reverse("usage:overview")), (_("Budgets"), "")],
    }
    return render(request, "usage/budgets.html", context)


@console_page(READ)
@require_GET
def budget(request: ConsoleRequest, budget_id: str) -> HttpResponse:
    """Answer how much of a budget is used and expected; then day by day, and the periods before."""
    found = get_budget(request.actor, budget_id)
    standing = standings_of([found])[found.pk]
    context = {
        "budget": found,
        "standing": standing,
        "plot": draw_budget(standing),
        "past": past_standings(found, standing.period),
        "alerts": [(alert, alert.threshold_percent) for alert in alerts_of(found)[:SHOWN_ALERTS]],
        "can_manage": request.actor.can(MANAGE) and found.archived_at is None,
        "crumbs": _crumbs(found.name),
    }
    return render(request, "usage/budget.html", context)


@console_page(MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def new_budget(request: ConsoleRequest) -> HttpResponse:
    """Make a budget."""
    organization = get_current_organization(request.actor)
    form = BudgetForm(request.POST or None, actor=request.actor, organization=organization)
    if request.method == "POST" and form.is_valid():
        try:
            made = create_budget(
                organization=organization, draft=form.to_draft(), actor=request.actor
            )
        except DomainError as refusal:
            _show_refusal(form, refusal)
        else:
            messages.success(request, _("The budget is set."))
            return redirect("usage:budget", made.public_id)
    return _form_page(request, form, _crumbs(_("New")))


@console_page(MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def edit_budget(request: ConsoleRequest, budget_id: str) -> HttpResponse:
    """Change a budget."""
    found = get_budget(request.actor, budget_id)
    form = BudgetForm(
        request.POST or None, actor=request.actor, organization=found.organization, budget=found
    )
    if request.method == "POST" and form.is_valid():
        try:
            change_budget(budget=found, draft=form.to_draft(), actor=request.actor)
        except DomainError as refusal:
            _show_refusal(form, refusal)
        else:
            messages.success(request, _("The budget is changed."))
            return redirect("usage:budget", found.public_id)
    return _form_page(request, form, _crumbs(found.name), found)


@console_page(MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def remove_budget(request: ConsoleRequest, budget_id: str) -> HttpResponse:
    """Ask, then take a budget out of use."""
    found = get_budget(request.actor, budget_id)
    if request.method == "POST":
        try:
            archive_budget(budget=found, actor=request.actor)
        except DomainError as refusal:
            messages.error(request, str(refusal.detail))
        else:
            messages.success(request, _("The budget is archived."))
        return redirect("usage:budgets")
    context = {
        "question": _("Archive the budget “%(name)s”?") % {"name": found.name},
        "action": request.get_full_path(),
        "effects": [_("Nobody is told about it any more."), _("What it told stays readable.")],
        "verb": _("Archive"),
        "cancel_url": reverse("usage:budget", args=[found.public_id]),
        "is_danger": False,
    }
    return render(request, "layouts/confirm.html", context)


def _show_refusal(form: BudgetForm, refusal: DomainError) -> None:
    field = BudgetForm.FIELD_OF.get(refusal.field, refusal.field)
    form.add_error(field if field in form.fields else None, str(refusal.detail))


def _form_page(
    request: ConsoleRequest,
    form: BudgetForm,
    crumbs: list[tuple[str, str]],
    found: Budget | None = None,
) -> HttpResponse:
    context: dict[str, Any] = {"form": form, "budget": found, "crumbs": crumbs}
    return render(request, "usage/budget_form.html", context, status=422 if form.errors else 200)


def _crumbs(last: str) -> list[tuple[str, str]]:
    return [
        (_("Usage"), reverse("usage:overview")),
        (_("Budgets"), reverse("usage:budgets")),
        (last, ""),
    ]
