"""The buttons of an API's page: each does one thing, says what came of it, and leads back."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.apis import outbound_limits, provider_selectors, selectors, services
from apps.apis.constants import APPROVAL_SUBJECT, MANAGE
from apps.apis.forms import (
    AnswerForm,
    DeprecateForm,
    ReasonForm,
    RequiredHeaderForm,
    RetireForm,
    SecretForm,
)
from apps.apis.models import Api, ApiUpdate
from apps.approvals.downloads import attachment_response
from apps.approvals.models import ApprovalRequest
from apps.approvals.selectors import find_last_request, find_open_request, get_attachment
from apps.approvals.services import cancel_request, provide_information
from apps.core.exceptions import DomainError, NotFound, TooManyRequests
from apps.core.forms import refusals_on
from apps.core.rate_limits import take_turn

PAGE_ROUTE = "portal:provider_api"


def _carry_out(request: ConsoleRequest, api: Api, move: Callable[[], str]) -> HttpResponse:
    """Do it, say what came of it, and show the API again."""
    try:
        messages.success(request, move())
    except DomainError as error:
        messages.error(request, str(error.detail))
    return redirect(PAGE_ROUTE, api.public_id)


@console_page(MANAGE)
@require_POST
def submit(request: ConsoleRequest, api_id: str) -> HttpResponse:
    """Check the upstream, then ask to publish."""
    api = selectors.get_own_api(request.actor, api_id)

    def move() -> str:
        services.check_upstream(api=api)
        services.submit_api(api=api, actor=request.actor)
        return _("Submitted. You will be told as soon as it is decided.")

    return _carry_out(request, api, move)


@console_page(MANAGE)
@require_POST
def check_upstream(request: ConsoleRequest, api_id: str) -> HttpResponse:
    """Ask the upstream whether it is there."""
    api = selectors.get_own_api(request.actor, api_id)
    try:
        take_turn(outbound_limits.UPSTREAM_CHECKS, request=request, actor=request.actor)
    except TooManyRequests as error:
        messages.error(request, str(error.detail))
        return redirect(PAGE_ROUTE, api.public_id)
    check = services.check_upstream(api=api)
    if check.is_healthy:
        messages.success(
            request, _("The upstream answered in %(ms)s ms.") % {"ms": check.latency_ms}
        )
    else:
        messages.error(request, check.error)
    return redirect(PAGE_ROUTE, api.public_id)


@console_page(MANAGE)
@require_POST
def retry(request: ConsoleRequest, api_id: str) -> HttpResponse:
    """Register a failed API again."""
    api = selectors.get_own_api(request.actor, api_id)

    def move() -> str:
        services.retry_registration(api=api, actor=request.actor)
        return _("The gateway is asked again.")

    return _carry_out(request, api, move)


@console_page(MANAGE)
@require_POST
def resume(request: ConsoleRequest, api_id: str) -> HttpResponse:
    """Let calls pass again."""
    api = selectors.get_own_api(request.actor, api_id)

    def move() -> str:
        services.resume_api(api=api, actor=request.actor)
        return _("Calls pass again.")

    return _carry_out(request, api, move)


@console_page(MANAGE)
@require_POST
def withdraw(request: ConsoleRequest, api_id: str) -> HttpResponse:
    """Take the submission back."""
    api = selectors.get_own_api(request.actor, api_id)

    def move() -> str:
        cancel_request(request=_open_request_of(api), actor=request.actor)
        return _("Withdrawn. It is a draft again.")

    return _carry_out(request, api, move)


@console_page(MANAGE)
@require_POST
def answer(request: ConsoleRequest, api_id: str) -> HttpResponse:
    """Answer the approver's question."""
    api = selectors.get_own_api(request.actor, api_id)
    form = AnswerForm(request.POST)

    def move() -> str:
        text = form.cleaned_data.get("answer", "") if form.is_valid() else ""
        provide_information(
            request=_open_request_of(api),
            actor=request.actor,
            answer=text,
            files=request.FILES.getlist("files"),
        )
        return _("Your answer is sent; the review goes on.")

    return _carry_out(request, api, move)


@console_page("apis.read")
@require_safe
def attachment(request: ConsoleRequest, api_id: str, attachment_id: str) -> HttpResponse:
    """Send a file of the conversation about the API's last submission."""
    api = selectors.get_own_api(request.actor, api_id)
    approval = find_last_request(APPROVAL_SUBJECT, api.pk)
    if approval is None:
        raise NotFound
    return attachment_response(get_attachment(approval, attachment_id, request.actor))


def _open_request_of(api: Api) -> ApprovalRequest:
    found = find_open_request(APPROVAL_SUBJECT, api.pk)
    if found is None:
        raise NotFound(_("Nothing is being decided about this API."))
    return found


@console_page(MANAGE)
@require_http_methods(["GET", "POST"])
def suspend(request: ConsoleRequest, api_id: str) -> HttpResponse:
    """Stop the calls, after saying what that means."""
    api = selectors.get_own_api(request.actor, api_id)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusals_on(form):
            services.suspend_api(api=api, actor=request.actor, reason=form.cleaned_data["reason"])
            messages.success(request, _("Suspended. Calls are refused until you resume it."))
            return redirect(PAGE_ROUTE, api.public_id)
    context = {
        "question": _("Suspend %(name)s?") % {"name": api.name},
        "action": request.path,
        "effects": [
            _("Every call is refused with status 503 within seconds."),
            _("Subscriptions and keys stay as they are."),
            _("You can resume it at any time."),
        ],
        "verb": _("Suspend"),
        "is_danger": True,
        "form": form,
        "cancel_url": reverse(PAGE_ROUTE, args=[api.public_id]),
    }
    return render(request, "layouts/confirm.html", context)


@console_page(MANAGE)
@require_http_methods(["GET", "POST"])
def deprecate(request: ConsoleRequest, api_id: str) -> HttpResponse:
    """Close the API to new subscribers, after saying what that means."""
    api = selectors.get_own_api(request.actor, api_id)
    form = DeprecateForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusals_on(form):
            services.deprecate_api(
                api=api,
                actor=request.actor,
                reason=form.cleaned_data["reason"],
                sunset_at=form.sunset_at,
            )
            messages.success(request, _("Deprecated. Subscribers are told."))
            return redirect(PAGE_ROUTE, api.public_id)
    context = {
        "question": _("Deprecate %(name)s?") % {"name": api.name},
        "action": request.path,
        "effects": [
            _("Nobody new can subscribe; this cannot be undone."),
            _("Present subscribers may go on until you retire the API, and are told so."),
        ],
        "verb": _("Deprecate"),
        "is_danger": True,
        "form": form,
        "cancel_url": reverse(PAGE_ROUTE, args=[api.public_id]),
    }
    return render(request, "layouts/confirm.html", context)


@console_page(MANAGE)
@require_http_methods(["GET", "POST"])
def retire(request: ConsoleRequest, api_id: str) -> HttpResponse:
    """End the API, after its address was typed."""
    api = selectors.get_own_api(request.actor, api_id)
    form = RetireForm(request.POST or None, slug=api.slug)
    if request.method == "POST" and form.is_valid():
        with refusals_on(form):
            services.retire_api(api=api, actor=request.actor, reason=form.cleaned_data["reason"])
            messages.success(request, _("Retired. Its subscriptions end."))
            return redirect(PAGE_ROUTE, api.public_id)
    context = {
        "question": _("Retire %(name)s for good?") % {"name": api.name},
        "action": request.path,
        "effects": [
            _("Every call is refused within seconds; this cannot be undone."),
            _("All subscriptions end, their keys stop working, and subscribers are told."),
            _("What was used until now is billed as agreed."),
        ],
        "verb": _("Retire"),
        "is_danger": True,
        "form": form,
        "cancel_url": reverse(PAGE_ROUTE, args=[api.public_id]),
    }
    return render(request, "layouts/confirm.html", context)


@console_page(MANAGE)
@require_POST
def withdraw_update(request: ConsoleRequest, api_id: str, update_id: str) -> HttpResponse:
    """Take a change back that waits for an approver."""
    api = selectors.get_own_api(request.actor, api_id)
    update = provider_selectors.get_update(api, update_id)

    def move() -> str:
        services.withdraw_update(update=update, actor=request.actor)
        return _("Withdrawn. The API stays as it is.")

    return _carry_out(request, api, move)


@console_page(MANAGE)
@require_POST
def add_header(request: ConsoleRequest, api_id: str) -> HttpResponse:
    """Ask callers for a header."""
    api = selectors.get_own_api(request.actor, api_id)
    form = RequiredHeaderForm(request.POST)
    if not form.is_valid():
        return _say_what_is_wrong(request, api, form)

    def move() -> str:
        header = services.add_required_header(api=api, actor=request.actor, **form.cleaned_data)
        return _("Callers are asked for %(name)s.") % {"name": header.name}

    return _carry_out(request, api, move)


@console_page(MANAGE)
@require_POST
def remove_header(request: ConsoleRequest, api_id: str, header_id: str) -> HttpResponse:
    """No longer ask callers for a header."""
    api = selectors.get_own_api(request.actor, api_id)
    header = provider_selectors.get_required_header(api, header_id)

    def move() -> str:
        services.remove_required_header(header=header, actor=request.actor)
        return _("Callers are no longer asked for %(name)s.") % {"name": header.name}

    return _carry_out(request, api, move)


def _say_what_is_wrong(request: ConsoleRequest, api: Api, form: Form) -> HttpResponse:
    for name, errors in form.errors.items():
        messages.error(request, f"{form.fields[name].label}: {errors[0]}")
    return redirect(PAGE_ROUTE, api.public_id)


@console_page(MANAGE)
@require_POST
def set_secret(request: ConsoleRequest, api_id: str) -> HttpResponse:
    """Store a header for the upstream."""
    api = selectors.get_own_api(request.actor, api_id)
    form = SecretForm(request.POST)
    if not form.is_valid():
        return _say_what_is_wrong(request, api, form)

    def move() -> str:
        stored = services.set_upstream_secret(api=api, actor=request.actor, **form.cleaned_data)
        if isinstance(stored, ApiUpdate):
            return _("The value is kept safe; the gateway sends it once an approver has agreed.")
        return _("%(name)s is stored.") % {"name": stored.header_name}

    return _carry_out(request, api, move)


@console_page(MANAGE)
@require_POST
def delete_secret(request: ConsoleRequest, api_id: str, secret_id: str) -> HttpResponse:
    """Forget a header."""
    api = selectors.get_own_api(request.actor, api_id)
    secret = selectors.get_own_secret(request.actor, api, secret_id)

    def move() -> str:
        services.delete_upstream_secret(secret=secret, actor=request.actor)
        return _("%(name)s is no longer sent.") % {"name": secret.header_name}

    return _carry_out(request, api, move)
