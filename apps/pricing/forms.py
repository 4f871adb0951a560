"""The form of the bill on a plan's page. The builder's forms: `term_forms`, `component_forms`."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class CallsForm(forms.Form):
    """A usage to be priced."""

    calls = forms.IntegerField(
        label=_("Calls in a period"), min_value=0, max_value=10**12, initial=10_000
    )
