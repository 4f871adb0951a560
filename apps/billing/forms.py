"""Forms of the billing pages."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class TaxDetailsForm(forms.Form):
    """What invoices say about the buyer."""

    legal_name = forms.CharField(label=_("Legal name"), max_length=150)
    address = forms.CharField(
        label=_("Address"),
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "street-address"}),
    )
    tax_id = forms.CharField(
        label=_("Tax id"),
        max_length=40,
        required=False,
        help_text=_("Printed on invoices from now on; issued ones stay as they are."),
    )
