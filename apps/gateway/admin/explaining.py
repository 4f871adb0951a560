"""The back office's form that explains a decision."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters

from apps.core.backoffice import staff_actor
from apps.core.forms import refusals_on
from apps.gateway import services
from apps.gateway.explanations import Question

STEPS: Final[dict[str, str | Promise]] = {
    "registry": gettext_lazy("The authorizer may serve"),
    "path": gettext_lazy("The path can be read in one way only"),
    "api": gettext_lazy("An API has this address"),
    "credential": gettext_lazy("The key is known"),
    "key": gettext_lazy("The key may be used"),
    "subscription": gettext_lazy("Subscription and organization allow calls"),
    "claims": gettext_lazy("The key belongs to the subscription, and that to the API"),
    "use": gettext_lazy("Address, scope, endpoint, method and headers"),
    "upstream": gettext_lazy("The upstream may be dialled"),
    "journal": gettext_lazy("The call can be put on file"),
    "api limit": gettext_lazy("The API takes more calls"),
    "limits": gettext_lazy("Rate limits, quota and spend cap"),
}
LOOKS: Final[dict[str, tuple[str, str | Promise]]] = {
    "passed": ("ok", gettext_lazy("Passed")),
    "failed": ("bad", gettext_lazy("Failed")),
    "skipped": ("neutral", gettext_lazy("Not known")),
}


class QuestionForm(forms.Form):
    """A call to explain."""

    key_id = forms.CharField(
        label=gettext_lazy("Key id"),
        max_length=60,
        required=False,
        help_text=gettext_lazy("Such as key_…"),
    )
    key = forms.CharField(
        label=gettext_lazy("Or the key itself"),
        max_length=200,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("It is neither kept nor logged."),
    )
    method = forms.RegexField("^[A-Za-z]{1,20}$", label=gettext_lazy("Method"), initial="GET")
    target = forms.CharField(
        label=gettext_lazy("Path on the gateway"),
        max_length=2_000,
        help_text=gettext_lazy("From the API’s address on, such as /weather/today"),
    )
    address = forms.GenericIPAddressField(label=gettext_lazy("Caller’s IP address"), required=False)
    headers = forms.CharField(
        label=gettext_lazy("Headers"),
        max_length=500,
        required=False,
        help_text=gettext_lazy("Names, with commas between them."),
    )

    def to_question(self) -> Question:
        """Return what the service takes.

        Raises:
            InvalidInput: see `Question`.
        """
        data: dict[str, Any] = dict(self.cleaned_data)
        names = (name.strip() for name in data.pop("headers").split(","))
        return Question(**data, headers=tuple(name for name in names if name))


@sensitive_post_parameters("key")
def explain_page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Show the form, and the explanation below it. The caller has checked who asks."""
    form = QuestionForm(request.POST or None)
    explanation: dict[str, Any] | None = None
    if request.method == "POST" and form.is_valid():
        with refusals_on(form):
            question = form.to_question()
            explanation = services.explain_decision(question=question, actor=staff_actor(request))
    steps = [
        (row, STEPS.get(row["step"], row["step"]), *LOOKS[row["outcome"]])
        for row in (explanation or {"steps": []})["steps"]
    ]
    whole = {
        **context,
        "title": _("Explain a decision"),
        "form": form,
        "explanation": explanation,
        "steps": steps,
    }
    status = 422 if form.errors else 200
    return TemplateResponse(request, "gateway/explain.html", whole, status=status)
