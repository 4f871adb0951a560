"""The versions of a plan: who published which when, what each changed, and one more currency."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.accounts.models import User
from apps.core.exceptions import NotFound
from apps.core.forms import refusals_on
from apps.portal.views.plans import LIST_ROUTE, MANAGE, PAGE_ROUTE, READ
from apps.pricing import selectors, services
from apps.pricing.currency_forms import CurrencyForm
from apps.pricing.differences import differences
from apps.pricing.models import Plan

VERSIONS_ROUTE = "portal:provider_plan_versions"


@console_page(READ)
@require_safe
def versions(request: ConsoleRequest, plan_id: str) -> HttpResponse:
    """List the versions, and show two of them side by side: `?new=3&old=1`, else the newest and the one before."""
    plan = selectors.get_provider_plan(request.actor, plan_id)
    rows = selectors.version_numbers(plan)
    people = User.objects.in_bulk({row.published_by_user_id for row in rows} - {None})
    by_number = {row.number: row for row in rows}
    after = by_number.get(_number(request, "new"), rows[0] if rows else None)
    before = by_number.get(_number(request, "old")) or (
        selectors.version_before(after) if after else None
    )
    found = (
        differences(selectors.full_draft_of(before), selectors.full_draft_of(after))
        if after and before
        else []
    )
    context = {
        "plan": plan,
        "rows": [(row, people.get(row.published_by_user_id)) for row in rows],
        "before": before,
        "after": after,
        "changed": [row for row in found if row.is_changed],
        "same": [row for row in found if not row.is_changed],
        "can_manage": request.actor.can(MANAGE),
        "crumbs": _crumbs(plan, _("Versions")),
    }
    return render(request, "pricing/versions.html", context)


@console_page(MANAGE)
@require_http_methods(["GET", "POST"])
def add_currency(request: ConsoleRequest, plan_id: str) -> HttpResponse:
    """Write down the newest price in one more currency, as a new version."""
    plan = selectors.get_provider_plan(request.actor, plan_id)
    newest = plan.versions.first()
    if newest is None:
        raise NotFound
    form = CurrencyForm(request.POST or None, beginning=selectors.full_draft_of(newest))
    if request.method == "POST" and form.is_valid():
        with refusals_on(form):
            _add(request, plan, form)
            return redirect(PAGE_ROUTE, plan.public_id)
    context = {"plan": plan, "form": form, "crumbs": _crumbs(plan, _("Another currency"))}
    return render(request, "pricing/currency.html", context)


@transaction.atomic
def _add(request: ConsoleRequest, plan: Plan, form: CurrencyForm) -> None:
    version = services.add_price_version(plan=plan, draft=form.to_draft(), actor=request.actor)
    if "publish" in request.POST:
        services.publish_version(version=version, actor=request.actor)
        messages.success(request, _("New subscribers may choose this currency."))
    else:
        messages.success(request, _("The price is saved; it counts once it is published."))


def _number(request: ConsoleRequest, name: str) -> int:
    given = request.GET.get(name, "")
    return int(given) if given.isdecimal() and len(given) < 10 else 0


def _crumbs(plan: Plan, here: str) -> list[tuple[str, str]]:
    page = reverse(PAGE_ROUTE, args=[plan.public_id])
    return [(_("Plans"), reverse(LIST_ROUTE)), (plan.name, page), (here, "")]
