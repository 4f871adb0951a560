"""What the public catalogue answers. Nothing of it names an upstream or a secret."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.apis.api.publishing_serializers import RequiredHeaderOutput
from apps.apis.api.serializers import EndpointOutput, ListingOutput
from apps.apis.models import Api, ApiVersion, ListingFacts
from apps.apis.selectors import Shelf
from apps.apis.templatetags.apis import logo_path


class ShelfOutput(serializers.Serializer[Shelf]):
    """A category with the number of APIs on it."""

    id = serializers.CharField(source="category.public_id")
    slug = serializers.CharField(source="category.slug")
    name = serializers.CharField(source="category.name")
    description = serializers.CharField(source="category.description")
    api_count = serializers.IntegerField()


class ListingFactsOutput(serializers.ModelSerializer[ListingFacts]):
    """What is known about an API from its use, its health, its plans and its ratings; null where nothing is."""

    class Meta:
        """Explicit fields only."""

        model = ListingFacts
        fields = (
            "calls_7d",
            "trend",
            "subscriber_count",
            "rating_average",
            "rating_count",
            "latency_p50_ms",
            "uptime_30d",
            "has_free_tier",
            "price_models",
            "price_from",
            "price_currency",
            "refreshed_at",
        )
        read_only_fields = fields


class CatalogueEntryOutput(ListingOutput):
    """An API of the catalogue with its facts."""

    facts = ListingFactsOutput(read_only=True)
    logo_url = serializers.SerializerMethodField()

    class Meta(ListingOutput.Meta):
        """The listing's fields, its facts and its logo."""

        fields = (*ListingOutput.Meta.fields, "logo_url", "facts")
        read_only_fields = fields

    @extend_schema_field({"type": "string", "nullable": True})
    def get_logo_url(self, row: Api) -> str | None:
        """Return where the logo is, if there is one; rows come by `with_logo()`."""
        return logo_path(row, getattr(row, "logo", None)) or None


class CatalogueDetailOutput(CatalogueEntryOutput):
    """An API's page."""

    required_headers = serializers.SerializerMethodField()
    version = serializers.SerializerMethodField()
    endpoints = serializers.SerializerMethodField()

    class Meta(CatalogueEntryOutput.Meta):
        """The list's fields and more."""

        fields = (
            *CatalogueEntryOutput.Meta.fields,
            "description",
            "terms_url",
            "support_email",
            "allowed_methods",
            "required_headers",
            "sunset_at",
            "version",
            "endpoints",
        )
        read_only_fields = fields

    @extend_schema_field(RequiredHeaderOutput(many=True))
    def get_required_headers(self, _row: Api) -> Any:
        """Return the headers without which the gateway refuses a call."""
        return RequiredHeaderOutput(self.context["headers"], many=True).data

    @extend_schema_field({"type": "string", "nullable": True})
    def get_version(self, _row: Api) -> str | None:
        """Return the current version's name."""
        version: ApiVersion | None = self.context["version"]
        return version.name if version else None

    @extend_schema_field(EndpointOutput(many=True))
    def get_endpoints(self, _row: Api) -> Any:
        """Return the operations of the current version."""
        return EndpointOutput(self.context["endpoints"], many=True).data
