"""Forms of sign-up, organizations and membership."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from zoneinfo import available_timezones

from babel import Locale
from django import forms
from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import lazy
from django.utils.translation import get_language, to_locale
from django.utils.translation import gettext_lazy as _

from apps.accounts.actors import actor_for_user
from apps.accounts.enums import Role
from apps.accounts.models import Organization, User, Workspace
from apps.accounts.roles import ALL_PERMISSIONS, grantable_by
from apps.accounts.selectors import workspaces_of
from apps.accounts.services import create_organization
from apps.core.actors import Actor
from apps.core.client_address import client_address

CURRENCIES: Final = ("USD", "EUR", "GBP", "INR", "JPY", "KWD", "MXN", "ZAR", "ZWG")
TERRITORY_CODE_CHARS: Final = 2
NOT_COUNTRIES: Final = frozenset({"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"})
ONE_DAY: Final = timedelta(days=1)


def _country_choices() -> list[tuple[str, str]]:
    names = Locale.parse(to_locale(get_language() or settings.LANGUAGE_CODE)).territories
    countries = [
        (code, name)
        for code, name in names.items()
        if len(code) == TERRITORY_CODE_CHARS and code.isalpha() and code not in NOT_COUNTRIES
    ]
    return [("", "—"), *sorted(countries, key=lambda pair: pair[1])]


def _timezone_choices() -> list[tuple[str, str]]:
    names = sorted(name for name in available_timezones() if "/" in name or name == "UTC")
    return [(name, name.replace("_", " ")) for name in names]


class SignupForm(forms.Form):
    """What sign-up asks beside the address and password."""

    name = forms.CharField(
        label=_("Your name"), max_length=150, widget=forms.TextInput({"autocomplete": "name"})
    )
    organization_name = forms.CharField(
        label=_("Organization"),
        max_length=150,
        required=False,
        help_text=_("Leave it empty if you were invited to one."),
        widget=forms.TextInput({"autocomplete": "organization"}),
    )

    field_order = ("name", "organization_name", "email", "password1", "password2")

    def signup(self, request: HttpRequest, user: User) -> None:
        """Called by allauth once the user exists: make the organization they work in."""
        user.name = self.cleaned_data["name"]
        user.language = get_language() or settings.LANGUAGE_CODE
        user.save(update_fields=["name", "language", "updated_at"])
        name = self.cleaned_data["organization_name"]
        if name:
            actor = actor_for_user(user, ip=client_address(request))
            create_organization(name=name, owner=user, actor=actor)


class OrganizationForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """Facts about an organization that bills show."""

    country = forms.ChoiceField(
        label=_("Country"), choices=lazy(_country_choices, list)(), required=False
    )
    currency = forms.ChoiceField(
        label=_("Currency"), choices=[(code, code) for code in CURRENCIES], initial="USD"
    )
    timezone = forms.ChoiceField(label=_("Time zone"), choices=_timezone_choices(), initial="UTC")

    class Meta:
        model = Organization
        fields = ("name", "country", "currency", "timezone", "billing_email")
        help_texts = {"billing_email": _("Invoices go to this address.")}


class NewOrganizationForm(forms.Form):
    """A first or further organization."""

    name = forms.CharField(
        label=_("Name"), max_length=150, widget=forms.TextInput({"autocomplete": "organization"})
    )
    country = forms.ChoiceField(
        label=_("Country"), choices=lazy(_country_choices, list)(), required=False
    )
    is_sandbox = forms.BooleanField(
        label=_("Sandbox"),
        required=False,
        help_text=_(
            "For trying things out: it has a clock that you can move, and it is never paid for."
        ),
    )


class InviteForm(forms.Form):
    """Whom to invite, and as what."""

    email = forms.EmailField(
        label=_("E-mail address"), widget=forms.EmailInput({"autocomplete": "off"})
    )
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.DEVELOPER)


class RoleForm(forms.Form):
    """A role."""

    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)


class WorkspaceForm(forms.Form):
    """A workspace's name."""

    name = forms.CharField(label=_("Name"), max_length=100)


class ServiceTokenForm(forms.Form):
    """A new service token; offers only what its creator may do."""

    name = forms.CharField(
        label=_("Name"), max_length=100, help_text=_("What uses it, for example “Nightly export”.")
    )
    workspace = forms.ModelChoiceField(
        label=_("Workspace"), queryset=Workspace.objects.none(), required=True
    )
    permissions = forms.MultipleChoiceField(
        label=_("Permissions"), widget=forms.CheckboxSelectMultiple
    )
    expires_on = forms.DateTimeField(
        label=_("Expires"),
        required=False,
        widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M"],
    )

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        """Offer the actor's workspaces and permissions."""
        super().__init__(*args, **kwargs)
        allowed = sorted(grantable_by(actor.permissions) & ALL_PERMISSIONS)
        workspaces = workspaces_of(actor)
        self.fields["permissions"].choices = [(name, name) for name in allowed]  # type: ignore[attr-defined]  # a choice field
        self.fields["workspace"].queryset = workspaces  # type: ignore[attr-defined]  # as above
        self.fields["workspace"].empty_label = None  # type: ignore[attr-defined]  # as above


class ClockForm(forms.Form):
    """How far a sandbox's test clock moves."""

    to = forms.DateTimeField(
        label=_("Move the clock to"),
        widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        help_text=_(
            "In UTC. What falls due until then happens: trials end, periods close, invoices go out."
        ),
    )


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """What people may change about themselves."""

    timezone = forms.ChoiceField(label=_("Time zone"), choices=_timezone_choices())

    class Meta:
        model = User
        fields = ("name", "language", "timezone")
