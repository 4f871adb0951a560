"""Forms of webhooks and of what comes by e-mail."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.core import clock
from apps.notifications.constants import DELIVERIES_KEPT_FOR, URL_MAX_CHARS
from apps.notifications.enums import DeliveryStatus
from apps.notifications.event_types import TEST_EVENT, all_event_types
from apps.notifications.models import WebhookEndpoint
from apps.notifications.selectors.preferences import MailChoice
from apps.notifications.services.endpoints import EndpointTerms

MINUTE: Final = timedelta(minutes=1)
# A little less than what is kept, so that the choice is still valid when it arrives.
SPANS: Final = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": DELIVERIES_KEPT_FOR - MINUTE,
}


class EndpointForm(forms.Form):
    """An endpoint's address and what it wants."""

    url = forms.CharField(
        label=_("Address"),
        max_length=URL_MAX_CHARS,
        help_text=_("An https:// address on your side; we send POST requests with JSON there."),
        widget=forms.URLInput({"placeholder": "https://example.com/webhooks"}),
    )
    description = forms.CharField(label=_("Description"), max_length=200, required=False)
    event_types = forms.MultipleChoiceField(
        label=_("Events"),
        required=False,
        help_text=_("Choose none to get every event, those of later releases too."),
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, present: WebhookEndpoint | None = None, **kwargs: Any) -> None:
        """Offer the registered types; begin with what the endpoint is."""
        if present is not None:
            kwargs["initial"] = {
                "url": present.url,
                "description": present.description,
                "event_types": present.event_types,
            }
        super().__init__(*args, **kwargs)
        self._present = present
        choices = [
            (kind.name, kind.name) for kind in all_event_types() if kind.name != TEST_EVENT.name
        ]
        self.fields["event_types"].choices = choices  # type: ignore[attr-defined]  # a choice field

    def terms(self) -> EndpointTerms:
        """Return what was entered; the version stays as it is."""
        values = self.cleaned_data
        kept = {"api_version": self._present.api_version} if self._present else {}
        return EndpointTerms(
            url=values["url"],
            description=values["description"],
            event_types=tuple(values["event_types"]),
            **kept,
        )


class DeliveryFilterForm(forms.Form):
    """Which deliveries are shown."""

    status = forms.ChoiceField(
        label=_("State"), required=False, choices=[("", _("All states")), *DeliveryStatus.choices]
    )
    type = forms.ChoiceField(label=_("Event"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer the registered types."""
        super().__init__(*args, **kwargs)
        names = [(kind.name, kind.name) for kind in all_event_types()]
        self.fields["type"].choices = [("", _("All events")), *names]  # type: ignore[attr-defined]  # as above

    def chosen(self) -> dict[str, str]:
        """Return the filters; what makes no sense filters nothing."""
        self.is_valid()
        values = self.cleaned_data
        return {"status": values.get("status", ""), "event_type": values.get("type", "")}


class ReplayForm(forms.Form):
    """How far back to send again."""

    span = forms.ChoiceField(
        label=_("What was given up in"),
        choices=[
            ("hour", _("the last hour")),
            ("day", _("the last 24 hours")),
            ("week", _("the last 7 days")),
            ("month", _("the last 30 days")),
        ],
        initial="day",
    )

    def since(self) -> datetime:
        """Return the moment that was chosen."""
        return clock.now() - SPANS[self.cleaned_data["span"]]


class MailChoicesForm(forms.Form):
    """One box per group of messages."""

    def __init__(self, *args: Any, choices: Iterable[MailChoice], **kwargs: Any) -> None:
        """Make a box per group; groups whose mails always come get none."""
        super().__init__(*args, **kwargs)
        for choice in choices:
            explanation = str(choice.explanation)
            if choice.has_mandatory:
                always = _(
                    "Some of these always come, because they concern your account's safety or service."
                )
                explanation = f"{explanation} {always}".strip()
            self.fields[choice.group] = forms.BooleanField(
                label=str(choice.label),
                help_text=explanation,
                required=False,
                initial=choice.wants_mail,
                disabled=not choice.can_switch_off,
            )

    def chosen(self) -> dict[str, bool]:
        """Return the choice per group that can be switched."""
        return {
            name: self.cleaned_data[name] for name, box in self.fields.items() if not box.disabled
        }
