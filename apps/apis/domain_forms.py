"""What a provider says about a domain."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class DomainForm(forms.Form):
    """A host name of the provider's own."""

    hostname = forms.CharField(
        label=_("Domain"), max_length=253, help_text=_("Such as api.example.com.")
    )
