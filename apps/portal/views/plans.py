"""The provider's plans: the list, the builder with its bill, and the moves of a plan."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.apis.selectors import get_own_api, list_own_apis
from apps.core.forms import refusals_on
from apps.portal.moves import ask, carry_out
from apps.portal.views.plan_estimates import FRAGMENT, PlanEstimate
from apps.portal.views.price_builder import PriceBuilder
from apps.pricing import selectors, services
from apps.pricing.models import Plan
from apps.pricing.plan_forms import NewPlanForm, PlanForm
from apps.pricing.summaries import summary_of
from apps.pricing.transitions import PLAN
from apps.subscriptions.subscriber_counts import count_live_subscribers
from apps.usage.selectors import running_meters

READ: Final = "plans.read"
MANAGE: Final = "plans.manage"
PAGE_SIZE: Final = 50
LIST_ROUTE: Final = "portal:provider_plans"
PAGE_ROUTE: Final = "portal:provider_plan"


@console_page(READ)
@require_safe
def plan_list(request: ConsoleRequest) -> HttpResponse:
    """List the organization's plans with price and state; `?api=` keeps those of one API."""
    api_id = request.GET.get("api", "")
    api = get_own_api(request.actor, api_id) if api_id else None
    rows = selectors.list_provider_plans(request.actor, api_id=api.pk if api else None)
    page = Paginator(rows.order_by("api__name", "position", "id"), PAGE_SIZE).get_page(
        request.GET.get("page")
    )
    plans = [(plan, _summary(plan)) for plan in page]
    context = {"page": page, "plans": plans, "api": api, "can_manage": request.actor.can(MANAGE)}
    return render(request, "pricing/plans.html", context)


@console_page(MANAGE)
@require_http_methods(["GET", "POST"])
def create(request: ConsoleRequest) -> HttpResponse:
    """Build a plan: what it is called, whom it is for, what it costs."""
    apis = list_own_apis(request.actor)
    chosen = (
        apis.filter(pk=get_own_api(request.actor, request.GET["api"]).pk).first()
        if (request.GET.get("api"))
        else None
    )
    data = request.POST if request.method == "POST" else None
    form = NewPlanForm(data, apis=apis, initial={"api": chosen})
    builder = PriceBuilder(
        request, meters=running_meters([api.pk for api in ([chosen] if chosen else apis)])
    )
    if request.method == "POST" and not builder.answers_without_saving():
        are_valid = [form.is_valid(), builder.is_valid()]
        if all(are_valid):
            with refusals_on(form), builder.refusals():
                return redirect(PAGE_ROUTE, _create(request, form, builder).public_id)
    crumbs = [(_("Plans"), reverse(LIST_ROUTE)), (_("New plan"), "")]
    return render(
        request, "pricing/build.html", {"form": form, "builder": builder, "crumbs": crumbs}
    )


@transaction.atomic
def _create(request: ConsoleRequest, form: NewPlanForm, builder: PriceBuilder) -> Plan:
    api = form.cleaned_data["api"]
    draft = form.to_draft(position=Plan.objects.filter(api=api).count())
    plan = services.create_plan(api=api, draft=draft, actor=request.actor)
    services.add_price_version(plan=plan, draft=builder.draft(), actor=request.actor)
    if "publish" in request.POST:
        services.publish_plan(plan=plan, actor=request.actor)
        messages.success(request, _("The plan is published."))
    else:
        messages.success(request, _("The plan is a draft; publish it when it is ready."))
    return plan


@console_page(READ)
@require_safe
def plan_page(request: ConsoleRequest, plan_id: str) -> HttpResponse:
    """Show a plan: the bill for a usage that is typed in, its price, its versions."""
    plan = selectors.get_provider_plan(request.actor, plan_id)
    versions = selectors.version_numbers(plan)
    shown = next((row for row in versions if row.is_current), versions[0] if versions else None)
    context = {
        "plan": plan,
        "version": shown,
        "versions": versions,
        "price": summary_of(shown) if shown else None,
        "estimate": PlanEstimate.of_own_plan(request, plan, shown) if shown else None,
        "moves": PLAN.allowed_from(plan.status),
        "can_manage": request.actor.can(MANAGE),
        "crumbs": [(_("Plans"), reverse(LIST_ROUTE)), (plan.name, "")],
    }
    is_fragment = request.headers.get("HX-Target") == FRAGMENT
    template = "pricing/_bill.html" if is_fragment else "pricing/plan.html"
    return render(request, template, context)


@console_page(MANAGE)
@require_http_methods(["GET", "POST"])
def edit(request: ConsoleRequest, plan_id: str) -> HttpResponse:
    """Change what a plan is called and whom it is for."""
    plan = selectors.get_provider_plan(request.actor, plan_id)
    form = PlanForm(request.POST or None, initial=PlanForm.initial_of(plan))
    if request.method == "POST" and form.is_valid():
        with refusals_on(form):
            draft = form.to_draft(position=plan.position)
            services.update_plan(plan=plan, draft=draft, actor=request.actor)
            messages.success(request, _("Saved."))
            return redirect(PAGE_ROUTE, plan.public_id)
    return render(
        request,
        "pricing/edit.html",
        {"form": form, "plan": plan, "crumbs": _crumbs(plan, _("Edit"))},
    )


@console_page(MANAGE)
@require_http_methods(["GET", "POST"])
def new_price(request: ConsoleRequest, plan_id: str) -> HttpResponse:
    """Write down a new price version, beginning with the one that there is."""
    plan = selectors.get_provider_plan(request.actor, plan_id)
    latest = plan.versions.prefetch_related("components__tiers").first()
    beginning = selectors.full_draft_of(latest) if latest else None
    builder = PriceBuilder(request, beginning, meters=running_meters([plan.api_id]))
    if request.method == "POST" and not builder.answers_without_saving() and builder.is_valid():
        with builder.refusals():
            _add_price(request, plan, builder)
            return redirect(PAGE_ROUTE, plan.public_id)
    context = {"plan": plan, "builder": builder, "crumbs": _crumbs(plan, _("New price"))}
    return render(request, "pricing/price.html", context)


@transaction.atomic
def _add_price(request: ConsoleRequest, plan: Plan, builder: PriceBuilder) -> None:
    version = services.add_price_version(plan=plan, draft=builder.draft(), actor=request.actor)
    if "publish" in request.POST:
        services.publish_version(version=version, actor=request.actor)
        messages.success(request, _("New subscribers get this price; those you have keep theirs."))
    else:
        messages.success(request, _("The price is saved; it counts once it is published."))


@console_page(MANAGE)
@require_POST
def publish(request: ConsoleRequest, plan_id: str) -> HttpResponse:
    """Publish a draft plan, or the newest price of a published one."""
    plan = selectors.get_provider_plan(request.actor, plan_id)

    def move() -> None:
        newest = plan.versions.filter(published_at=None).first()
        if plan.status == "published" and newest is not None:
            services.publish_version(version=newest, actor=request.actor)
        else:
            services.publish_plan(plan=plan, actor=request.actor)

    back_to = reverse(PAGE_ROUTE, args=[plan.public_id])
    return carry_out(request, move, done=_("The plan is published."), back_to=back_to)


@console_page(MANAGE)
@require_POST
def deprecate(request: ConsoleRequest, plan_id: str) -> HttpResponse:
    """Stop offering a plan; it can be published again."""
    plan = selectors.get_provider_plan(request.actor, plan_id)
    return carry_out(
        request,
        lambda: services.deprecate_plan(plan=plan, actor=request.actor),
        done=_("The plan takes no new subscribers."),
        back_to=reverse(PAGE_ROUTE, args=[plan.public_id]),
    )


@console_page(MANAGE)
@require_http_methods(["GET", "POST"])
def close(request: ConsoleRequest, plan_id: str) -> HttpResponse:
    """Ask, then close a plan for good."""
    plan = selectors.get_provider_plan(request.actor, plan_id)
    page = reverse(PAGE_ROUTE, args=[plan.public_id])
    if request.method == "POST":
        return carry_out(
            request,
            lambda: services.close_plan(plan=plan, actor=request.actor),
            done=_("The plan is closed."),
            back_to=page,
        )
    count = count_live_subscribers(plan.pk)
    ending = ngettext(
        "%(count)s subscription ends with its running period; its subscriber is told.",
        "%(count)s subscriptions end with their running periods; their subscribers are told.",
        count,
    )
    return ask(
        request,
        question=_("Close “%(name)s” for good?") % {"name": plan.name},
        effects=[
            _("Nobody can subscribe to it any more, and it cannot be opened again."),
            ending % {"count": count} if count else _("It has no subscribers."),
        ],
        verb=_("Close plan"),
        cancel_url=page,
    )


def _summary(plan: Plan) -> Any:
    version = selectors.current_version_of(plan)
    return summary_of(version) if version else None


def _crumbs(plan: Plan, here: str) -> list[tuple[str, str]]:
    page = reverse(PAGE_ROUTE, args=[plan.public_id])
    return [(_("Plans"), reverse(LIST_ROUTE)), (plan.name, page), (here, "")]
