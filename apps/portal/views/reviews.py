"""Reviews: read by anybody, written by subscribers, answered by providers."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.apis.models import Api
from apps.apis.selectors import get_readable_api
from apps.core.actors import Actor
from apps.core.forms import refusals_on
from apps.portal.moves import ask, carry_out
from apps.portal.reviews_area import WRITE, reviews_area
from apps.subscriptions import selectors, services
from apps.subscriptions.constants import REVIEW_ORDERS
from apps.subscriptions.forms import ReplyForm, ReportForm, ReviewForm

PAGE_SIZE: Final = 20
MANAGE: Final = "apis.manage"
RECEIVED_ROUTE: Final = "portal:provider_reviews"


@require_safe
def review_list(request: HttpRequest, slug: str) -> HttpResponse:
    """List all reviews of an API, in the chosen order, by pages."""
    actor: Actor = request.actor  # type: ignore[attr-defined]  # set by ActorMiddleware
    api = get_readable_api(actor, slug)
    sort = request.GET.get("sort", "")
    rows = selectors.list_reviews(api).order_by(*REVIEW_ORDERS.get(sort, REVIEW_ORDERS["newest"]))
    context = {
        "api": api,
        "review_area": reviews_area(api, actor),
        "page": Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page")),
        "sort": sort if sort in REVIEW_ORDERS else "newest",
        "sorts": [
            ("newest", _("Newest")),
            ("oldest", _("Oldest")),
            ("highest", _("Best")),
            ("lowest", _("Worst")),
        ],
        "crumbs": [*_crumbs(api), (_("Reviews"), "")],
    }
    return render(request, "catalogue/reviews.html", context)


@console_page(WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def write(request: ConsoleRequest, slug: str) -> HttpResponse:
    """Write the organization's review of an API, or edit it."""
    api = get_readable_api(request.actor, slug)
    selectors.require_may_review(api=api, actor=request.actor)
    own = selectors.find_own_review(api=api, actor=request.actor)
    form = ReviewForm(request.POST) if request.method == "POST" else ReviewForm.of(own)
    if request.method == "POST" and form.is_valid():
        with refusals_on(form):
            services.save_review(api=api, opinion=form.to_opinion(), actor=request.actor)
            messages.success(request, _("Your review is saved."))
            return redirect(_api_page(api))
    crumbs = [*_crumbs(api), (_("Your review"), "")]
    context = {"api": api, "own": own, "form": form, "crumbs": crumbs}
    return render(request, "catalogue/review.html", context)


@console_page(WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: ConsoleRequest, slug: str) -> HttpResponse:
    """Take the organization's review back, after asking."""
    api = get_readable_api(request.actor, slug)
    if request.method == "POST":
        return carry_out(
            request,
            lambda: services.delete_review(api=api, actor=request.actor),
            done=_("Your review is deleted."),
            back_to=_api_page(api),
        )
    return ask(
        request,
        question=_("Delete your review of %(name)s?") % {"name": api.name},
        effects=[
            _("Its stars no longer count, and the provider's reply goes with it."),
            _("You may write another one."),
        ],
        verb=_("Delete the review"),
        cancel_url=_api_page(api),
    )


@console_page(needs_organization=False)
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: ConsoleRequest, slug: str, review_id: str) -> HttpResponse:
    """Report a review to the moderators, with a reason."""
    api = get_readable_api(request.actor, slug)
    rating = selectors.get_shown_review(api, review_id)
    form = ReportForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        return carry_out(
            request,
            lambda: services.report_review(rating=rating, reason=reason, actor=request.actor),
            done=_("Thank you. The moderators will look at the review."),
            back_to=_api_page(api),
        )
    return ask(
        request,
        form=form,
        question=_("Report the review of %(author)s?")
        % {"author": rating.consumer_organization.name},
        effects=[_("A moderator decides whether it stays; until then it is shown.")],
        verb=_("Report the review"),
        cancel_url=_api_page(api),
        is_danger=False,
    )


# --- the provider's side ------------------------------------------------------------------------


@console_page("apis.read")
@require_safe
def received(request: ConsoleRequest) -> HttpResponse:
    """List what subscribers say about the organization's APIs, those without a reply on request."""
    rows = selectors.list_received_reviews(request.actor)
    waiting = rows.filter(replied_at__isnull=True)
    is_waiting = request.GET.get("show") == "unanswered"
    shown = waiting if is_waiting else rows
    context = {
        "page": Paginator(shown, PAGE_SIZE).get_page(request.GET.get("page")),
        "waiting_count": waiting.count(),
        "is_waiting": is_waiting,
        "can_reply": request.actor.can(MANAGE),
    }
    return render(request, "portal/provider/reviews.html", context)


@console_page(MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def reply(request: ConsoleRequest, review_id: str) -> HttpResponse:
    """Answer a review, or edit the answer."""
    rating = selectors.get_received_review(request.actor, review_id)
    form = ReplyForm(request.POST or None, initial={"reply": rating.reply})
    if request.method == "POST" and form.is_valid():
        with refusals_on(form):
            services.reply_to_review(
                rating=rating, text=form.cleaned_data["reply"], actor=request.actor
            )
            messages.success(request, _("Your reply is shown below the review."))
            return redirect(f"{reverse(RECEIVED_ROUTE)}#{rating.public_id}")
    context = {
        "review": rating,
        "form": form,
        "crumbs": [(_("Reviews"), reverse(RECEIVED_ROUTE)), (_("Reply"), "")],
    }
    return render(request, "portal/provider/review_reply.html", context)


def _api_page(api: Api) -> str:
    return f"{reverse('portal:api', args=[api.slug])}#reviews"


def _crumbs(api: Api) -> list[tuple[str, str]]:
    return [
        (_("APIs"), reverse("portal:catalogue")),
        (api.name, reverse("portal:api", args=[api.slug])),
    ]
