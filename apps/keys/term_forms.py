"""What a key may do, as portal forms."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from apps.core.formatting import format_number
from apps.keys.constants import MAX_RATE
from apps.keys.enums import Scope
from apps.keys.models import ApiKey
from apps.keys.terms import LISTS, WINDOWS, TermChanges, described_by, plan_rate
from apps.subscriptions.models import Subscription

SCOPES: Final = [
    (Scope.READ, _("Read (GET, HEAD)")),
    (Scope.WRITE, _("Write (POST, PUT, PATCH, DELETE)")),
    (Scope.ADMIN, _("Everything, also what the provider keeps for admin keys")),
]


class KeyTermsForm(forms.Form):
    """Scopes, endpoints, addresses, limits and last day of a key of one subscription."""

    scopes = forms.MultipleChoiceField(
        label=pgettext_lazy("key", "May"),
        choices=SCOPES,
        initial=[Scope.READ, Scope.WRITE],
        widget=forms.CheckboxSelectMultiple,
    )
    tags = forms.MultipleChoiceField(
        label=_("Only these groups of endpoints"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("They follow the API's documents. None and no endpoint chosen: everything."),
    )
    endpoints = forms.MultipleChoiceField(
        label=_("Only these endpoints"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    ip_allow = forms.CharField(
        label=_("Only from these addresses"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("One address or range a line, for example 192.0.2.0/24. Empty: from anywhere."),
    )
    rate_per_second = forms.IntegerField(
        label=_("Calls per second"), min_value=1, max_value=MAX_RATE, required=False
    )
    rate_per_minute = forms.IntegerField(
        label=_("Calls per minute"), min_value=1, max_value=MAX_RATE, required=False
    )
    rate_per_hour = forms.IntegerField(
        label=_("Calls per hour"), min_value=1, max_value=MAX_RATE, required=False
    )
    rate_per_day = forms.IntegerField(
        label=_("Calls per day"), min_value=1, max_value=MAX_RATE, required=False
    )
    expires_on = forms.DateField(
        label=_("Last day"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )

    def __init__(
        self,
        *args: Any,
        subscription: Subscription,
        key: ApiKey | None = None,
        **options: Any,
    ) -> None:
        """Offer what the API's documents describe, and begin with what the key has."""
        if key is not None:
            options["initial"] = _initial_of(key, subscription.timezone)
        super().__init__(*args, **options)
        self._timezone = subscription.timezone
        described = described_by(subscription.api)
        self._offer("endpoints", described.endpoints, key)
        self._offer("tags", described.tags, key)
        for name in WINDOWS:
            limit = plan_rate(name, subscription)
            if limit is not None:
                text = gettext("The plan allows %(limit)s.") % {"limit": format_number(limit)}
                self.fields[name].help_text = text

    def terms(self) -> dict[str, Any]:
        """Return every term as services take them; the last day ends in the account's time zone."""
        values: dict[str, Any] = self.cleaned_data
        terms = {name: values[name] for name in WINDOWS}
        terms |= {name: tuple(values.get(name, ())) for name in LISTS}
        terms["ip_allow"] = tuple(values["ip_allow"].split())
        terms["expires_at"] = _end_of(values["expires_on"], self._timezone)
        return terms

    def changes(self) -> TermChanges:
        """Return the terms that differ from those that the form began with."""
        names = {"expires_on": "expires_at"}
        changed = {names.get(name, name) for name in self.changed_data}
        changes: Any = {name: value for name, value in self.terms().items() if name in changed}
        wanted: TermChanges = changes
        return wanted

    def _offer(self, name: str, described: tuple[str, ...], key: ApiKey | None) -> None:
        """Offer what is described and what the key has although it is gone; nothing to choose is left out."""
        texts = dict.fromkeys((*described, *(getattr(key, name) if key else ())))
        field = self.fields[name]
        assert isinstance(field, forms.MultipleChoiceField)  # noqa: S101 -- for the type checker
        field.choices = [(text, text) for text in texts]
        if not texts:
            del self.fields[name]


def _initial_of(key: ApiKey, timezone: str) -> dict[str, Any]:
    initial: dict[str, Any] = {name: getattr(key, name) for name in WINDOWS}
    initial |= {name: list(getattr(key, name)) for name in LISTS}
    initial["ip_allow"] = "\n".join(key.ip_allow)
    if key.expires_at is not None:
        last = key.expires_at - timedelta(microseconds=1)
        initial["expires_on"] = last.astimezone(ZoneInfo(timezone)).date()
    return initial


def _end_of(last_day: Any, timezone: str) -> datetime | None:
    if last_day is None:
        return None
    end = datetime.combine(last_day + timedelta(days=1), time.min, ZoneInfo(timezone))
    return end.astimezone(UTC)
