"""Portal input of this app."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.apis.constants import MAX_CALLS_PER_WINDOW, MAX_LOGO_BYTES, MAX_TAGS
from apps.apis.enums import TimeoutClass, Visibility
from apps.apis.models import HTTP_METHODS, Category
from apps.apis.openapi import MAX_DOCUMENT_BYTES
from apps.apis.services import ListingFields

MAX_DESCRIPTION_LENGTH = 50_000


class DocumentForm(forms.Form):
    """An OpenAPI document, uploaded or named by its address."""

    file = forms.FileField(
        label=_("OpenAPI file"),
        required=False,
        help_text=_("OpenAPI 3.0 or 3.1, JSON or YAML, at most 2 MB."),
    )
    url = forms.URLField(
        label=_("or its address"), required=False, max_length=300, assume_scheme="https"
    )
    is_needed = True

    def clean(self) -> dict[str, Any]:
        """Demand one of the two, not both."""
        given = super().clean() or {}
        if given.get("file") and given.get("url"):
            self.add_error("url", _("Give a file or an address, not both."))
        elif self.is_needed and not self.errors and not (given.get("file") or given.get("url")):
            self.add_error("file", _("Choose a file or give an address."))
        return given

    @property
    def has_document(self) -> bool:
        """Whether there is something to import."""
        return bool(self.cleaned_data.get("file") or self.cleaned_data.get("url"))

    def read_file(self) -> bytes | None:
        """Return the uploaded file, one byte beyond the limit at most; `None` where an address was given."""
        upload = self.cleaned_data.get("file")
        return upload.read(MAX_DOCUMENT_BYTES + 1) if upload else None


class NewApiForm(DocumentForm):
    """The three things without which there is no API, and a document if there is one."""

    name = forms.CharField(label=_("Name"), max_length=100)
    category = forms.ModelChoiceField(
        label=_("Category"), queryset=Category.objects.all(), empty_label=_("Choose one")
    )
    upstream_url = forms.URLField(
        label=_("Upstream base URL"),
        max_length=300,
        assume_scheme="https",
        help_text=_("Where calls are forwarded to. Consumers never see it."),
    )
    short_description = forms.CharField(
        label=_("Short description"),
        max_length=200,
        required=False,
        help_text=_("One sentence that the catalogue shows."),
    )
    is_needed = False
    field_order = ("name", "category", "short_description", "upstream_url", "file", "url")

    def to_fields(self) -> ListingFields:
        """Return what the service needs."""
        names = ("name", "category", "upstream_url", "short_description")
        return cast("ListingFields", {name: self.cleaned_data[name] for name in names})


class LogoForm(forms.Form):
    """A picture, uploaded or named by its address."""

    logo = forms.FileField(
        label=_("Picture"),
        required=False,
        widget=forms.ClearableFileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
        help_text=_("PNG, JPEG or WebP, at most 1 MB. It is shown at 256 × 256 pixels at most."),
    )
    url = forms.URLField(
        label=_("or its address"), required=False, max_length=300, assume_scheme="https"
    )

    def clean(self) -> dict[str, Any]:
        """Demand one of the two, not both."""
        given = super().clean() or {}
        if given.get("logo") and given.get("url"):
            self.add_error("url", _("Give a file or an address, not both."))
        elif not self.errors and not (given.get("logo") or given.get("url")):
            self.add_error("logo", _("Choose a file or give an address."))
        return given

    def read_file(self) -> bytes | None:
        """Return the uploaded file, one byte beyond the limit at most; `None` where an address was given."""
        upload = self.cleaned_data.get("logo")
        return upload.read(MAX_LOGO_BYTES + 1) if upload else None


class ListingForm(forms.Form):
    """What the catalogue shows. The address can be chosen until the first submission."""

    name = forms.CharField(label=_("Name"), max_length=100)
    slug = forms.CharField(
        label=_("Address"),
        max_length=60,
        required=False,
        help_text=_("The first part of the path at the gateway; fixed from the first submission."),
    )
    category = forms.ModelChoiceField(label=_("Category"), queryset=Category.objects.all())
    short_description = forms.CharField(
        label=_("Short description"),
        max_length=200,
        required=False,
        help_text=_("One sentence that the catalogue shows."),
    )
    description = forms.CharField(
        label=_("Description"),
        max_length=MAX_DESCRIPTION_LENGTH,
        required=False,
        widget=forms.Textarea(attrs={"rows": 10}),
        help_text=_("Markdown. Headings, lists, tables, code and links are shown."),
    )
    tags = forms.CharField(
        label=_("Tags"), required=False, help_text=_("Separated by commas, at most ten.")
    )
    support_email = forms.EmailField(label=_("Support address"), required=False)
    terms_url = forms.URLField(label=_("Terms"), required=False, assume_scheme="https")
    visibility = forms.ChoiceField(label=_("Visibility"), choices=Visibility.choices)

    def __init__(self, *args: Any, is_address_fixed: bool = True, **kwargs: Any) -> None:
        """Leave the address out where it may not change any more."""
        super().__init__(*args, **kwargs)
        if is_address_fixed:
            del self.fields["slug"]

    def clean_tags(self) -> list[str]:
        """Split at commas."""
        tags = [tag.strip() for tag in self.cleaned_data["tags"].split(",") if tag.strip()]
        if len(tags) > MAX_TAGS:
            raise forms.ValidationError(_("At most ten tags."))
        return tags

    def to_fields(self) -> ListingFields:
        """Return what the service needs."""
        fields = dict(self.cleaned_data)
        if not fields.get("slug"):
            fields.pop("slug", None)
        return cast("ListingFields", fields)


class UpstreamForm(forms.Form):
    """Where calls are forwarded to, and how its health is asked."""

    upstream_url = forms.URLField(
        label=_("Upstream base URL"), max_length=300, assume_scheme="https"
    )
    allowed_methods = forms.MultipleChoiceField(
        label=_("Allowed methods"),
        choices=[(method, method) for method in HTTP_METHODS],
        widget=forms.CheckboxSelectMultiple,
    )
    timeout_class = forms.ChoiceField(
        label=_("Time to answer"),
        choices=TimeoutClass.choices,
        help_text=_(
            "How long the gateway waits for your upstream to begin its answer. Then the caller gets 504."
        ),
    )
    calls_per_second = forms.IntegerField(
        label=_("Calls per second from all consumers"),
        min_value=1,
        max_value=MAX_CALLS_PER_WINDOW,
        required=False,
        help_text=_(
            "What your upstream can take, whoever calls; above it callers get 429. Empty: no bound."
        ),
    )
    calls_per_minute = forms.IntegerField(
        label=_("Calls per minute from all consumers"),
        min_value=1,
        max_value=MAX_CALLS_PER_WINDOW,
        required=False,
    )
    cors_origins = forms.CharField(
        label=_("Pages that may call it"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_(
            "Origins such as https://app.example.com, one on each line; * stands for all. "
            "Leave it empty to answer browsers’ questions (CORS) yourself."
        ),
    )
    health_path = forms.CharField(
        label=_("Health path"), max_length=200, help_text=_("Below the base URL; asked by GET.")
    )
    health_expected_status = forms.IntegerField(
        label=_("Expected status"), min_value=100, max_value=599
    )

    def to_fields(self) -> ListingFields:
        """Return what the service needs."""
        return cast("ListingFields", self.cleaned_data)

    def clean_cors_origins(self) -> list[str]:
        """Split at lines, spaces and commas."""
        return [part for part in re.split(r"[\s,]+", self.cleaned_data["cors_origins"]) if part]


class SecretForm(forms.Form):
    """A header that the gateway adds for the upstream."""

    header_name = forms.CharField(label=_("Header"), max_length=80)
    value = forms.CharField(
        label=_("Value"),
        max_length=4096,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("Stored encrypted and never shown again."),
    )


class RequiredHeaderForm(forms.Form):
    """A header that callers must send."""

    name = forms.CharField(label=_("Header"), max_length=80)
    description = forms.CharField(label=_("What it is for"), max_length=200, required=False)


class VersionForm(forms.Form):
    """A version that is prepared."""

    name = forms.CharField(
        label=_("Version"),
        max_length=40,
        help_text=_("As the document’s info.version will name it."),
    )
    changelog = forms.CharField(
        label=_("What changes"),
        max_length=MAX_DESCRIPTION_LENGTH,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Markdown."),
    )


class ChangelogForm(forms.Form):
    """What changed in a version."""

    changelog = forms.CharField(
        label=_("What changed"),
        max_length=MAX_DESCRIPTION_LENGTH,
        required=False,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=_("Markdown."),
    )


class SunsetForm(forms.Form):
    """The day on which something ends; it does at 00:00 UTC."""

    sunset_on = forms.DateField(
        label=_("Ends on"),
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("At 00:00 UTC of this day."),
    )

    @property
    def sunset_at(self) -> datetime | None:
        """Return the moment, if a day was given."""
        day = self.cleaned_data.get("sunset_on")
        return datetime.combine(day, time(), tzinfo=UTC) if day else None


class DeprecateForm(SunsetForm):
    """When an API ends, if that is known, and what its subscribers are told."""

    reason = forms.CharField(
        label=_("Message to subscribers"),
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Let the day open."""
        super().__init__(*args, **kwargs)
        self.fields["sunset_on"].required = False


class RetireForm(forms.Form):
    """The API's address as a confirmation, and why."""

    confirm = forms.CharField(
        label=_("Type the address of the API to confirm"),
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    reason = forms.CharField(
        label=_("Message to subscribers"),
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, slug: str, **kwargs: Any) -> None:
        """Keep the address that must be typed."""
        super().__init__(*args, **kwargs)
        self._slug = slug

    def clean_confirm(self) -> str:
        """Compare it."""
        given: str = self.cleaned_data["confirm"].strip()
        if given != self._slug:
            raise forms.ValidationError(_("This is not the address of the API."))
        return given


class AccessForm(forms.Form):
    """An organization by its id, or somebody who works there."""

    organization_id = forms.CharField(
        label=_("Organization’s id"),
        max_length=60,
        required=False,
        help_text=_("It starts with “org_” and stands on the organization’s page."),
    )
    email = forms.EmailField(
        label=_("or the e-mail address of somebody who works there"),
        required=False,
        help_text=_("They are sent a link that they accept for their organization."),
    )

    def clean(self) -> dict[str, Any]:
        """Demand one of the two, not both."""
        given = super().clean() or {}
        if given.get("organization_id") and given.get("email"):
            self.add_error("email", _("Give an id or an address, not both."))
        elif not self.errors and not (given.get("organization_id") or given.get("email")):
            self.add_error("organization_id", _("Give an id or an address."))
        return given


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(
        label=_("Reason"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3})
    )


class AnswerForm(forms.Form):
    """The answer to an approver's question; its files are `request.FILES.getlist("files")`, judged by the service."""

    answer = forms.CharField(
        label=_("Your answer"), max_length=5000, widget=forms.Textarea(attrs={"rows": 4})
    )
