"""What a provider says about itself."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.apis.services.verification import ProviderDetails


class VerificationForm(forms.Form):
    """Who the provider is, and what it wants to offer."""

    legal_name = forms.CharField(
        label=_("Legal name"), max_length=200, help_text=_("As in the register of your country.")
    )
    website = forms.URLField(label=_("Website"), max_length=300, assume_scheme="https")
    registration_number = forms.CharField(
        label=_("Registration number"),
        max_length=80,
        required=False,
        help_text=_("Of a company or an association; people leave it empty."),
    )
    contact_name = forms.CharField(label=_("Contact"), max_length=150)
    contact_email = forms.EmailField(label=_("Contact’s e-mail address"), max_length=254)
    statement = forms.CharField(
        label=_("What you want to offer"),
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("Which APIs, for whom, and where their data comes from."),
    )

    def details(self) -> ProviderDetails:
        """Return it as the service wants it."""
        return ProviderDetails(**self.cleaned_data)
