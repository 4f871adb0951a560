"""Portal input of this app."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.apis.constants import MAX_TAGS
from apps.apis.enums import Visibility
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


class ListingForm(forms.Form):
    """What the catalogue shows."""

    name = forms.CharField(label=_("Name"), max_length=100)
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

    def clean_tags(self) -> list[str]:
        """Split at commas."""
        tags = [tag.strip() for tag in self.cleaned_data["tags"].split(",") if tag.strip()]
        if len(tags) > MAX_TAGS:
            raise forms.ValidationError(_("At most ten tags."))
        return tags

    def to_fields(self) -> ListingFields:
        """Return what the service needs."""
        return cast("ListingFields", self.cleaned_data)


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
    health_path = forms.CharField(
        label=_("Health path"), max_length=200, help_text=_("Below the base URL; asked by GET.")
    )
    health_expected_status = forms.IntegerField(
        label=_("Expected status"), min_value=100, max_value=599
    )

    def to_fields(self) -> ListingFields:
        """Return what the service needs."""
        return cast("ListingFields", self.cleaned_data)


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


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(
        label=_("Reason"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3})
    )


class AnswerForm(forms.Form):
    """The answer to an approver's question."""

    answer = forms.CharField(
        label=_("Your answer"), max_length=5000, widget=forms.Textarea(attrs={"rows": 4})
    )
