"""Forms of sign-up and membership."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _


class SignupForm(forms.Form):
    """What sign-up asks beside the address and password."""

    name = forms.CharField(label=_("Your name"), max_length=150)
    organization_name = forms.CharField(label=_("Organization"), max_length=150)

    field_order = ("name", "organization_name", "email", "password1", "password2")

    def signup(self, request: HttpRequest, user: Any) -> None:
        """Called by allauth once the user exists: make the organization they work in."""
