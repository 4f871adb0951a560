"""Moving a plan's subscribers to a newer version: the provider's page, and what the subscriber sees of it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.core.exceptions import NotFound
from apps.core.forms import refusals_on
from apps.portal.moves import ask, carry_out
from apps.portal.views.plans import LIST_ROUTE, MANAGE, PAGE_ROUTE, READ
from apps.pricing import selectors
from apps.pricing.differences import differences
from apps.pricing.models import Plan, PriceVersion
from apps.subscriptions import plan_moves, services
from apps.subscriptions.selectors import get_subscription

MOVES_ROUTE = "portal:provider_plan_moves"


class VersionField(forms.ModelChoiceField):  # type: ignore[type-arg]  # not generic at run time
    """A version by its number."""

    def label_from_instance(self, obj: Any) -> str:
        """Return what is chosen."""
        return _("Version %(number)s") % {"number": obj.number}


class MoveForm(forms.Form):
    """To which version, and not before which day."""

    version = VersionField(
        label=gettext_lazy("To version"), queryset=PriceVersion.objects.none(), empty_label=None
    )
    moves_on = forms.DateField(
        label=gettext_lazy("Not before"),
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=gettext_lazy("Each is moved when the running period ends on or after this day."),
    )

    def __init__(self, data: Any = None, *, plan: Plan) -> None:
        """Offer the published versions of the plan, each number once."""
        super().__init__(data)
        field = self.fields["version"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101 -- for the type checker
        field.queryset = plan.versions.filter(published_at__isnull=False, position=0, number__gt=1)


@console_page(READ)
@require_http_methods(["GET", "HEAD", "POST"])
def moves(request: ConsoleRequest, plan_id: str) -> HttpResponse:
    """Show how many subscribers are on which version, and how far moves are; a POST announces one."""
    plan = selectors.get_provider_plan(request.actor, plan_id)
    can_manage = request.actor.can(MANAGE)
    form = MoveForm(request.POST or None, plan=plan)
    if request.method == "POST" and can_manage and form.is_valid():
        with refusals_on(form):
            services.move_subscribers(plan=plan, actor=request.actor, **form.cleaned_data)
            messages.success(request, _("The move is announced; subscribers are being told."))
            return redirect(MOVES_ROUTE, plan.public_id)
    rows = list(plan_moves.list_moves(plan)[:20])
    progress = plan_moves.progress_of(rows)
    counts = plan_moves.count_by_version(plan)
    context = {
        "plan": plan,
        "moves": [(row, progress[row.pk]) for row in rows],
        "is_running": any(row.status == "running" for row in rows),
        "counts": sorted(counts.items(), reverse=True),
        "can_move": len(counts) > 0 and plan.versions.filter(number__gt=min(counts)).exists(),
        "form": form,
        "can_manage": can_manage,
        "notice_days": settings.PLAN_MOVE_NOTICE_DAYS,
        "crumbs": _crumbs(plan, _("Move subscribers")),
    }
    return render(request, "pricing/moves.html", context)


@console_page(MANAGE)
@require_http_methods(["GET", "POST"])
def call_off(request: ConsoleRequest, plan_id: str, move_id: str) -> HttpResponse:
    """Ask, then call a move off."""
    plan = selectors.get_provider_plan(request.actor, plan_id)
    move = plan_moves.get_move(plan, move_id)
    page = reverse(MOVES_ROUTE, args=[plan.public_id])
    if request.method == "POST":
        return carry_out(
            request,
            lambda: services.call_off_move(move=move, actor=request.actor),
            done=_("The move is called off; subscribers are being told."),
            back_to=page,
        )
    return ask(
        request,
        question=_("Call the move to version %(number)s off?") % {"number": move.number},
        effects=[
            _("Who was not moved yet stays on the present version, and is told."),
            _("Who was moved already stays on the newer one."),
        ],
        verb=_("Call it off"),
        cancel_url=page,
    )


@console_page("subscriptions.read")
@require_safe
def coming(request: ConsoleRequest, subscription_id: str) -> HttpResponse:
    """Show a subscriber what changes when its provider moves it, and when."""
    subscription = get_subscription(request.actor, subscription_id)
    step = plan_moves.find_coming_move(subscription)
    if step is None:
        raise NotFound
    found = differences(
        selectors.draft_of(subscription.price_version), selectors.draft_of(step.price_version)
    )
    page = reverse("portal:subscription", args=[subscription.public_id])
    context = {
        "subscription": subscription,
        "step": step,
        "before": subscription.price_version,
        "after": step.price_version,
        "changed": [row for row in found if row.is_changed],
        "same": [row for row in found if not row.is_changed],
        "can_manage": request.actor.can("subscriptions.manage"),
        "crumbs": [
            (_("Subscriptions"), reverse("portal:subscriptions")),
            (subscription.api.name, page),
            (_("What changes"), ""),
        ],
    }
    return render(request, "subscriptions/move.html", context)


def _crumbs(plan: Plan, here: str) -> list[tuple[str, str]]:
    page = reverse(PAGE_ROUTE, args=[plan.public_id])
    return [(_("Plans"), reverse(LIST_ROUTE)), (plan.name, page), (here, "")]
