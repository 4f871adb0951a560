"""The back office's pages of dead letters: look, mend and retry, retry all, give up."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from apps.core import dead_letters
from apps.core.admin.bases import ReadOnlyAdmin, ReasonForm
from apps.core.backoffice import staff_actor
from apps.core.enums import DeadLetterState
from apps.core.exceptions import DomainError, Forbidden
from apps.core.models import DeadLetter

LIST = "admin:core_deadletter_changelist"
PAGE = "admin:core_deadletter_change"


class _Indented(json.JSONEncoder):
    """Writes one member a line, as people edit it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "indent": 2})


class LetterForm(forms.Form):
    """What to do with one letter. The payload is offered where its source lets people edit it."""

    payload = forms.JSONField(
        label=gettext_lazy("Payload"),
        widget=forms.Textarea(attrs={"rows": 16, "spellcheck": "false"}),
        encoder=_Indented,
        help_text=gettext_lazy("What is retried. The original is kept beside it."),
        required=False,
    )
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=500)

    def __init__(self, data: Any = None, *, letter: DeadLetter) -> None:
        """Offer the payload as it can be read best: an event that is kept as text as the object that it is."""
        super().__init__(data, initial={"payload": readable(letter.payload)})
        if not dead_letters.can_edit(letter):
            del self.fields["payload"]


class RetryAllForm(forms.Form):
    """Which letters to retry, and why."""

    source = forms.ChoiceField(label=gettext_lazy("Source"), required=False)
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=500)

    def __init__(self, data: Any = None) -> None:
        """Offer the sources that can be retried."""
        super().__init__(data)
        sources = [(name, name) for name in dead_letters.retried_sources()]
        self.fields["source"].choices = [("", _("All")), *sources]  # type: ignore[attr-defined]  # a ChoiceField


def readable(payload: Any) -> Any:
    """Return the event of a payload that keeps it as text; the payload itself where it is no JSON."""
    raw = payload.get("raw") if isinstance(payload, dict) else None
    if not isinstance(raw, str):
        return payload
    try:
        return json.loads(raw)
    except json.JSONDecodeError:
        return payload


class StateFilter(admin.SimpleListFilter):
    """Open letters, those that were retried, and those that were given up."""

    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(
        self,
        request: HttpRequest,
        model_admin: Any,
    ) -> list[tuple[str, Any]]:
        """Offer the states."""
        return list(DeadLetterState.choices)

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[DeadLetter]
    ) -> QuerySet[DeadLetter]:
        """Keep the letters of the state that was chosen."""
        if self.value() == DeadLetterState.OPEN:
            return queryset.filter(resolved_at=None)
        return queryset.filter(resolution=self.value()) if self.value() else queryset


def written(payload: Any) -> str:
    """Return a payload as text for people."""
    return json.dumps(readable(payload), indent=2, ensure_ascii=False)


@admin.register(DeadLetter)
class DeadLetterAdmin(ReadOnlyAdmin):
    """Work that failed for good: retry it or give it up, and say why."""

    change_roles = ("operator",)
    view_roles = ("operator",)
    list_display = ("created_at", "source", "reference", "reason", "attempts", "shown_state")
    list_filter = ("source", StateFilter)
    search_fields = ("reference",)
    action_form = ReasonForm
    actions = ("retry_selected", "discard_selected")
    change_list_template = "core/backoffice/dead_letters.html"

    @admin.display(description=gettext_lazy("state"), ordering="resolution")
    def shown_state(self, letter: DeadLetter) -> str:
        """Open, retried or discarded."""
        return str(DeadLetterState(letter.state).label)

    def get_urls(self) -> list[URLPattern]:
        """Add what the buttons do."""
        wrap = self.admin_site.admin_view
        own = [
            path(
                "retry-all/", wrap(require_POST(self.retry_all)), name="core_deadletter_retry_all"
            ),
            path(
                "<path:object_id>/resolve/",
                wrap(require_POST(self.resolve)),
                name="core_deadletter_resolve",
            ),
        ]
        return [*own, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Offer to retry all."""
        context = {"retry_form": RetryAllForm(), **(extra_context or {})}
        return super().changelist_view(request, context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Offer to mend, retry and discard a letter that is open."""
        self._require_operator(request)
        letter = self.get_object(request, object_id)
        if letter is None:
            return HttpResponseRedirect(reverse(LIST))
        is_open = letter.resolved_at is None
        edited = letter.edited_payload
        context = {
            **self.admin_site.each_context(request),
            **(extra_context or {}),
            "title": _("Dead letter"),
            "opts": self.model._meta,
            "letter": letter,
            "payload": written(letter.payload),
            "edited": "" if edited is None else written(edited),
            "can_retry": dead_letters.can_retry(letter),
            "form": LetterForm(letter=letter) if is_open else None,
        }
        return TemplateResponse(request, "core/backoffice/dead_letter.html", context)

    def resolve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Retry or discard a letter; a refusal stands beside its field."""
        self._require_operator(request)
        letter = self.get_object(request, object_id)
        if letter is None:
            return HttpResponseRedirect(reverse(LIST))
        form = LetterForm(request.POST, letter=letter)
        if form.is_valid():
            try:
                self._resolve_one(request, letter, form.cleaned_data)
            except DomainError as error:
                messages.error(request, str(error.detail))
        else:
            for name, errors in form.errors.items():
                messages.error(request, f"{form.fields[name].label}: {' '.join(map(str, errors))}")
        return HttpResponseRedirect(reverse(PAGE, args=[letter.pk]))

    def _resolve_one(
        self, request: HttpRequest, letter: DeadLetter, wanted: dict[str, Any]
    ) -> None:
        actor, reason = staff_actor(request), wanted["reason"]
        if request.POST.get("action") == "discard":
            dead_letters.discard_dead_letter(letter=letter, actor=actor, reason=reason)
            messages.success(request, _("The work was given up."))
            return
        payload = wanted.get("payload")
        is_edited = payload is not None and payload != readable(letter.payload)
        dead_letters.retry_dead_letter(
            letter=letter, actor=actor, reason=reason, payload=payload if is_edited else None
        )
        messages.success(request, _("The work waits again."))

    def retry_all(self, request: HttpRequest) -> HttpResponse:
        """Start the job that retries all."""
        self._require_operator(request)
        form = RetryAllForm(request.POST)
        if form.is_valid():
            run = dead_letters.start_retry_of_all(actor=staff_actor(request), **form.cleaned_data)
            text = _("A job retries them: %(id)s.") % {"id": run.public_id}
            messages.success(request, text)
        else:
            messages.error(request, _("Say why."))
        return HttpResponseRedirect(reverse(LIST))

    @admin.action(description=gettext_lazy("Retry the selected work"), permissions=("change",))
    def retry_selected(self, request: HttpRequest, letters: QuerySet[DeadLetter]) -> None:
        """Queue the work again."""
        self._resolve(request, letters, dead_letters.retry_dead_letter)

    @admin.action(description=gettext_lazy("Give the selected work up"), permissions=("change",))
    def discard_selected(self, request: HttpRequest, letters: QuerySet[DeadLetter]) -> None:
        """Discard the work."""
        self._resolve(request, letters, dead_letters.discard_dead_letter)

    def _resolve(self, request: HttpRequest, letters: QuerySet[DeadLetter], resolve: Any) -> None:
        done = 0
        for letter in letters:
            try:
                resolve(
                    letter=letter,
                    actor=staff_actor(request),
                    reason=request.POST.get("reason", ""),
                )
                done += 1
            except DomainError as error:
                self.message_user(request, f"{letter}: {error.detail}", messages.ERROR)
        if done:
            text = ngettext("%d dead letter resolved.", "%d dead letters resolved.", done) % done
            self.message_user(request, text)

    def _require_operator(self, request: HttpRequest) -> None:
        if not self.has_change_permission(request):
            raise Forbidden(required="staff:operator")
