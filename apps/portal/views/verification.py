"""Becoming a verified provider: ask, answer, withdraw, and see where it stands."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.accounts.models import Organization
from apps.accounts.selectors import get_current_organization
from apps.apis.constants import VERIFICATION_SUBJECT
from apps.apis.forms import AnswerForm
from apps.apis.services.verification import request_verification
from apps.apis.verification import described, verification_of
from apps.apis.verification_forms import VerificationForm
from apps.approvals.models import ApprovalRequest
from apps.approvals.selectors import find_open_request, list_comments
from apps.approvals.services import cancel_request, provide_information
from apps.core.exceptions import DomainError, NotFound
from apps.core.forms import refusals_on

READ = "organization.read"
MANAGE = "organization.manage"
PAGE_ROUTE = "portal:provider_verification"


@console_page(READ)
@require_http_methods(["GET", "POST"])
def verification(request: ConsoleRequest) -> HttpResponse:
    """Show where it stands; owners ask here."""
    organization = get_current_organization(request.actor)
    form = VerificationForm(request.POST or None)
    can_manage = request.actor.can(MANAGE)
    if request.method == "POST" and can_manage and form.is_valid():
        with refusals_on(form):
            request_verification(
                organization=organization, details=form.details(), actor=request.actor
            )
            messages.success(request, _("Sent. You will be told as soon as it is decided."))
            return redirect(PAGE_ROUTE)
    return _page(request, organization, form, AnswerForm(), status=422 if form.errors else 200)


@console_page(MANAGE)
@require_POST
def answer_verification(request: ConsoleRequest) -> HttpResponse:
    """Answer the approver's question."""
    organization = get_current_organization(request.actor)
    form = AnswerForm(request.POST)
    if form.is_valid():
        with refusals_on(form):
            provide_information(
                request=_open_request(organization),
                actor=request.actor,
                answer=form.cleaned_data["answer"],
            )
            messages.success(request, _("Sent. The review goes on."))
            return redirect(PAGE_ROUTE)
    return _page(request, organization, VerificationForm(), form, status=422)


@console_page(MANAGE)
@require_POST
def withdraw_verification_request(request: ConsoleRequest) -> HttpResponse:
    """Take the request back."""
    organization = get_current_organization(request.actor)
    try:
        cancel_request(request=_open_request(organization), actor=request.actor)
        messages.success(request, _("Withdrawn. You may ask again at any time."))
    except DomainError as error:
        messages.error(request, str(error.detail))
    return redirect(PAGE_ROUTE)


def _open_request(organization: Organization) -> ApprovalRequest:
    found = find_open_request(VERIFICATION_SUBJECT, organization.pk)
    if found is None:
        raise NotFound(_("Nothing is being decided about this organization."))
    return found


def _page(
    request: ConsoleRequest,
    organization: Organization,
    form: VerificationForm,
    answer_form: AnswerForm,
    *,
    status: int,
) -> HttpResponse:
    state = verification_of(organization)
    asked = state.request
    context = {
        "organization": organization,
        "state": state,
        "asked": asked,
        "details": described(asked) if asked else [],
        "comments": list(list_comments(asked, request.actor)) if asked else [],
        "form": form,
        "answer_form": answer_form,
        "can_manage": request.actor.can(MANAGE),
    }
    return render(request, "portal/verification.html", context, status=status)
