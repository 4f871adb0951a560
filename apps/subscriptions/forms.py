"""Portal input of this app."""

from __future__ import annotations

from typing import Final

from django import forms
from django.utils.translation import gettext_lazy as _

AT_PERIOD_END: Final = "period_end"
AT_ONCE: Final = "now"


class CancelForm(forms.Form):
    """When a subscription ends, and why."""

    at = forms.ChoiceField(
        label=_("It ends"),
        choices=[(AT_PERIOD_END, _("when the period ends")), (AT_ONCE, _("at once"))],
        initial=AT_PERIOD_END,
        widget=forms.RadioSelect,
    )
    reason = forms.CharField(label=_("Reason"), max_length=500, required=False)


class ReasonForm(forms.Form):
    """Why; the other side reads it."""

    reason = forms.CharField(
        label=_("Reason"), max_length=500, help_text=_("The subscriber reads it.")
    )
