"""Filters of the pages of intake. Values that make no sense are ignored: a filter is part of a link."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.usage.enums import EventFate, RejectionCode


class SentEventFilter(forms.Form):
    """Which events of a batch to show."""

    outcome = forms.ChoiceField(
        label=_("Outcome"), choices=[("", _("Any")), *EventFate.choices], required=False
    )

    @property
    def fate(self) -> str:
        """The outcome that was chosen; empty if none, or none that there is."""
        self.is_valid()
        return str(self.cleaned_data.get("outcome", ""))


class RejectionFilter(forms.Form):
    """Which rejected events to show."""

    event = forms.CharField(label=_("Event"), max_length=64, required=False)
    code = forms.ChoiceField(
        label=_("Why"), choices=[("", _("Any")), *RejectionCode.choices], required=False
    )

    @property
    def chosen(self) -> dict[str, str]:
        """The code and the event that were chosen; empty where none was."""
        self.is_valid()
        return {
            "code": self.cleaned_data.get("code", ""),
            "event_id": self.cleaned_data.get("event", ""),
        }
