"""The provider's promotions: the list, the form, one with what it gave, and its moves."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.accounts.selectors import get_current_organization
from apps.billing.promotion_figures import given_by_month
from apps.core.forms import refusals_on
from apps.portal.moves import carry_out
from apps.pricing import promotion_selectors as selectors
from apps.pricing import services
from apps.pricing.models import Plan
from apps.pricing.promotion_forms import PromotionForm, defects_on
from apps.pricing.promotion_words import how_long, what_it_does
from apps.subscriptions.promotions import list_uses

READ: Final = "plans.read"
MANAGE: Final = "plans.manage"
PAGE_SIZE: Final = 50
LIST_ROUTE: Final = "portal:provider_promotions"
PAGE_ROUTE: Final = "portal:provider_promotion"


@console_page(READ)
@require_safe
def promotion_list(request: ConsoleRequest) -> HttpResponse:
    """List the organization's promotions with what they do and how often they were redeemed."""
    rows = selectors.list_own_promotions(request.actor)
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": [(row, what_it_does(row), how_long(row)) for row in page],
        "can_manage": request.actor.can(MANAGE),
    }
    return render(request, "pricing/promotions.html", context)


@console_page(MANAGE)
@require_http_methods(["GET", "POST"])
def create(request: ConsoleRequest) -> HttpResponse:
    """Make a promotion for the organization's own plans."""
    form = PromotionForm(request.POST or None, plans=Plan.objects.visible_to(request.actor))
    if request.method == "POST" and form.is_valid():
        with refusals_on(form), defects_on(form):
            made = services.create_promotion(
                draft=form.to_draft(),
                organization=get_current_organization(request.actor),
                actor=request.actor,
            )
            messages.success(request, _("The promotion is made."))
            return redirect(PAGE_ROUTE, made.public_id)
    crumbs = [(_("Promotions"), reverse(LIST_ROUTE)), (_("New promotion"), "")]
    context = {"form": form, "crumbs": crumbs, "cancel_url": reverse(LIST_ROUTE)}
    return render(request, "pricing/promotion_form.html", context)


@console_page(READ)
@require_safe
def promotion_page(request: ConsoleRequest, promotion_id: str) -> HttpResponse:
    """Show a promotion: how often it was redeemed, what it gave month by month, by which subscriptions."""
    promotion = selectors.get_own_promotion(request.actor, promotion_id)
    page = Paginator(list_uses(promotion), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "promotion": promotion,
        "what": what_it_does(promotion),
        "length": how_long(promotion),
        "months": given_by_month(promotion),
        "page": page,
        "can_manage": request.actor.can(MANAGE),
        "crumbs": [(_("Promotions"), reverse(LIST_ROUTE)), (promotion.name, "")],
    }
    return render(request, "pricing/promotion.html", context)


@console_page(MANAGE)
@require_http_methods(["GET", "POST"])
def edit(request: ConsoleRequest, promotion_id: str) -> HttpResponse:
    """Change a promotion; what subscribers were promised stays."""
    promotion = selectors.get_own_promotion(request.actor, promotion_id)
    form = PromotionForm(
        request.POST or None,
        plans=Plan.objects.visible_to(request.actor),
        initial=PromotionForm.initial_of(promotion),
    )
    page = reverse(PAGE_ROUTE, args=[promotion.public_id])
    if request.method == "POST" and form.is_valid():
        with refusals_on(form), defects_on(form):
            services.update_promotion(
                promotion=promotion, draft=form.to_draft(), actor=request.actor
            )
            messages.success(request, _("Saved."))
            return redirect(page)
    crumbs = [(_("Promotions"), reverse(LIST_ROUTE)), (promotion.name, page), (_("Edit"), "")]
    context = {"form": form, "promotion": promotion, "crumbs": crumbs, "cancel_url": page}
    return render(request, "pricing/promotion_form.html", context)


@console_page(MANAGE)
@require_POST
def deactivate(request: ConsoleRequest, promotion_id: str) -> HttpResponse:
    """Let nobody redeem a promotion any more."""
    promotion = selectors.get_own_promotion(request.actor, promotion_id)
    return carry_out(
        request,
        lambda: services.deactivate_promotion(promotion=promotion, actor=request.actor),
        done=_("Nobody can redeem it any more; who has it keeps it."),
        back_to=reverse(PAGE_ROUTE, args=[promotion.public_id]),
    )


@console_page(MANAGE)
@require_POST
def activate(request: ConsoleRequest, promotion_id: str) -> HttpResponse:
    """Let a promotion be redeemed again."""
    promotion = selectors.get_own_promotion(request.actor, promotion_id)
    return carry_out(
        request,
        lambda: services.activate_promotion(promotion=promotion, actor=request.actor),
        done=_("It can be redeemed again."),
        back_to=reverse(PAGE_ROUTE, args=[promotion.public_id]),
    )
