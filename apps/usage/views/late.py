"""Portal pages of late events: for consumers their own, for providers those of their APIs."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final
from uuid import UUID

from django import forms
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from apps.accounts.decorators import ConsoleRequest, console_page
from apps.core.actors import Actor
from apps.usage import selectors
from apps.usage.enums import LateResolution
from apps.usage.models import LateEvent

PAGE_SIZE: Final = 50


class LateFilter(forms.Form):
    """Which late events to show. What makes no sense is ignored: a filter is part of a link."""

    source = forms.ChoiceField(label=gettext_lazy("Subscription"), required=False)
    state = forms.ChoiceField(
        label=gettext_lazy("State"),
        required=False,
        choices=[("", gettext_lazy("Any")), *LateResolution.choices],
    )

    def __init__(self, data: Any, *, actor: Actor, is_provider: bool) -> None:
        """Offer the actor's own subscriptions, or as a provider its own APIs."""
        super().__init__(data)
        field = self.fields["source"]
        if is_provider:
            self.column = "subscription__api_id"
            field.label = _("API")
            own = [(api.public_id, api.name, api.pk) for api in selectors.provided_apis(actor)]
        else:
            self.column = "subscription_id"
            own = [(row.public_id, str(row), row.pk) for row in selectors.subscriptions_of(actor)]
        self.keys = {public_id: pk for public_id, _label, pk in own}
        field.choices = [("", _("Any")), *((key, label) for key, label, _pk in own)]  # type: ignore[attr-defined]  # a ChoiceField

    def narrow(self, rows: QuerySet[LateEvent]) -> QuerySet[LateEvent]:
        """Keep what matches."""
        self.is_valid()
        chosen = self.keys.get(self.cleaned_data.get("source", ""))
        if chosen:
            rows = rows.filter(**{self.column: chosen})
        state = self.cleaned_data.get("state")
        return rows.filter(resolution=state) if state else rows


@console_page("usage.read")
@require_GET
def late_events(request: ConsoleRequest) -> HttpResponse:
    """List what came behind its window's watermark, the last to come first."""
    form = LateFilter(request.GET, actor=request.actor, is_provider=False)
    rows = selectors.late_events_of_consumer(request.actor)
    crumbs = [(_("Usage"), reverse("usage:overview")), (_("Late events"), "")]
    return _page(request, form, rows, crumbs)


@console_page("apis.read")
@require_GET
def provider_late_events(request: ConsoleRequest) -> HttpResponse:
    """List what came behind its window's watermark of the organization's APIs."""
    form = LateFilter(request.GET, actor=request.actor, is_provider=True)
    rows = selectors.late_events_of_provider(request.actor)
    crumbs = [(_("Analytics"), reverse("usage:provider")), (_("Late events"), "")]
    return _page(request, form, rows, crumbs)


def _page(
    request: ConsoleRequest,
    form: LateFilter,
    rows: QuerySet[LateEvent],
    crumbs: list[tuple[str, str]],
) -> HttpResponse:
    found = form.narrow(rows).select_related("subscription__api", "subscription__plan")
    with suppress(ValueError):  # the first page; a broken cursor leads there too
        found = found.filter(pk__lt=UUID(request.GET.get("cursor", "")))
    page = list(found[: PAGE_SIZE + 1])
    has_more = len(page) > PAGE_SIZE
    context = {
        "form": form,
        "rows": page[:PAGE_SIZE],
        "cursors": {"next": str(page[PAGE_SIZE - 1].pk) if has_more else ""},
        "crumbs": crumbs,
    }
    return render(request, "usage/late.html", context)
