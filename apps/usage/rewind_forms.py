"""The back office's form of a rewind."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.core.actors import Actor
from apps.usage.models import UsageRewind
from apps.usage.rewind_scopes import find_scope
from apps.usage.services import request_rewind

DATE_TIME = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class RewindForm(forms.Form):
    """Computes windows anew, or only shows what would differ."""

    start = forms.DateTimeField(label=_("From"), widget=DATE_TIME, help_text=_("In UTC."))
    until = forms.DateTimeField(
        label=_("Until"),
        widget=DATE_TIME,
        help_text=_("In UTC. Whole local days of each subscription are computed."),
    )
    api_id = forms.CharField(
        label=_("API"), max_length=40, required=False, help_text=_("Its id, such as api_…")
    )
    subscription_id = forms.CharField(
        label=_("Subscription"), max_length=40, required=False, help_text=_("Its id, such as sub_…")
    )
    meter = forms.CharField(
        label=_("Meter"), max_length=60, required=False, help_text=_("Its key. Empty means all.")
    )
    reason = forms.CharField(
        label=_("Reason"), max_length=500, help_text=_("It stays in the audit trail.")
    )

    def save(self, *, actor: Actor, is_dry_run: bool) -> UsageRewind:
        """Start it in the background.

        Raises:
            InvalidInput, RewindRunning, EventsDropped: see `find_scope` and `request_rewind`.
        """
        data = self.cleaned_data
        scope = find_scope(
            start=data["start"],
            end=data["until"],
            api_id=data["api_id"].strip(),
            subscription_id=data["subscription_id"].strip(),
            meter=data["meter"].strip(),
        )
        return request_rewind(
            scope=scope, is_dry_run=is_dry_run, reason=data["reason"], actor=actor
        )
