"""Asking to have one's account deleted, answering questions about it, and taking it back."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.accounts.deletion_blockers import obstacles_of, organizations_left_by
from apps.accounts.models import User
from apps.accounts.selectors import get_user
from apps.approvals.selectors import list_comments
from apps.approvals.services import cancel_request, provide_information
from apps.core.forms import refusals_on
from apps.portal.account_deletion import (
    PAGE_ROUTE,
    find_deletion_request,
    get_open_deletion_request,
    request_deletion,
)
from apps.portal.moves import carry_out


class DeletionForm(forms.Form):
    """Why somebody leaves."""

    reason = forms.CharField(
        label=gettext_lazy("Why do you leave?"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Whoever decides on your request reads it."),
    )


class DeletionAnswerForm(forms.Form):
    """The answer to a question about it."""

    answer = forms.CharField(
        label=gettext_lazy("Your answer"),
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )


@console_page(needs_organization=False)
@require_http_methods(["GET", "POST"])
def account_deletion(request: ConsoleRequest) -> HttpResponse:
    """Show what deletion means and where the request stands; ask for it."""
    form = DeletionForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        with refusals_on(form):
            request_deletion(
                user=get_user(request.actor),
                reason=form.cleaned_data["reason"],
                actor=request.actor,
            )
            messages.success(request, _("Sent. You will be told as soon as it is decided."))
            return redirect(PAGE_ROUTE)
    return _page(request, form, DeletionAnswerForm(), status=422 if form.errors else 200)


@console_page(needs_organization=False)
@require_POST
def answer_deletion(request: ConsoleRequest) -> HttpResponse:
    """Answer the approver's question."""
    form = DeletionAnswerForm(request.POST)
    subject = get_open_deletion_request(get_user(request.actor))
    if form.is_valid():
        with refusals_on(form):
            answer = form.cleaned_data["answer"]
            provide_information(request=subject, actor=request.actor, answer=answer)
            messages.success(request, _("Sent. The review goes on."))
            return redirect(PAGE_ROUTE)
    return _page(request, DeletionForm(), form, status=422)


@console_page(needs_organization=False)
@require_POST
def withdraw_deletion(request: ConsoleRequest) -> HttpResponse:
    """Keep the account after all."""
    subject = get_open_deletion_request(get_user(request.actor))
    return carry_out(
        request,
        lambda: cancel_request(request=subject, actor=request.actor),
        done=_("Withdrawn. Your account stays as it is."),
        back_to=reverse(PAGE_ROUTE),
    )


def _page(
    request: ConsoleRequest, form: DeletionForm, answer_form: DeletionAnswerForm, *, status: int
) -> HttpResponse:
    user = get_user(request.actor)
    asked = find_deletion_request(user)
    is_open = asked is not None and asked.is_open
    context = {
        "asked": asked,
        "comments": list(list_comments(asked, request.actor)) if asked and is_open else [],
        "obstacles": [] if is_open else _with_urls(user),
        "closed": [] if is_open else organizations_left_by(user),
        "form": form,
        "answer_form": answer_form,
        "crumbs": [(_("Your account"), reverse("accounts:account")), (_("Delete account"), "")],
    }
    return render(request, "portal/account_deletion.html", context, status=status)


def _with_urls(user: User) -> list[dict[str, object]]:
    return [
        {"name": item.organization.name, "text": item.text, "url": reverse(item.route)}
        for item in obstacles_of(user)
    ]
