"""What the pages of private things share: the form that lets somebody in, and the page that a mailed link opens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts.decorators import ConsoleRequest
from apps.accounts.selectors import get_current_organization
from apps.apis.forms import AccessForm
from apps.core.exceptions import DomainError
from apps.core.forms import refusals_on


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a mailed link offers: the page's words, what accepting does, and where it leads."""

    question: str
    lead: str
    offer: str
    accept: Callable[[], object]
    done: str
    leads_to: str


def let_in(
    request: ConsoleRequest,
    form: AccessForm,
    *,
    by_mail: Callable[[str], object],
    by_id: Callable[[str], object],
    done: str,
) -> bool:
    """Do what a valid form asks; tell whether it was done. A refusal stands at its field."""
    with refusals_on(form):
        email = form.cleaned_data["email"]
        if email:
            by_mail(email)
            done = _("The invitation is on its way. Whoever follows it appears in the list.")
        else:
            by_id(form.cleaned_data["organization_id"])
        messages.success(request, done)
    return not form.errors


def answer_link(request: ConsoleRequest, opening: Opening) -> HttpResponse:
    """Show what a link opens; a POST accepts it for the present organization."""
    if request.method == "POST":
        try:
            opening.accept()
        except DomainError as error:
            messages.error(request, str(error.detail))
            return redirect("portal:console")
        messages.success(request, opening.done)
        return redirect(opening.leads_to)
    organization = get_current_organization(request.actor)
    context = {
        "question": opening.question,
        "lead": opening.lead,
        "effects": [
            opening.offer,
            _("Members of %(organization)s will see it and may subscribe to it.")
            % {"organization": organization.name},
            _("It costs nothing before somebody subscribes."),
        ],
        "verb": _("Accept"),
        "action": request.path,
        "cancel_url": reverse("portal:console"),
    }
    return render(request, "layouts/confirm.html", context)
