"""What the endpoints of this app take and answer. Nothing for consumers names an upstream or a secret."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.apis.constants import MAX_CALLS_PER_WINDOW, MAX_CORS_ORIGINS, MAX_ORIGIN_LENGTH_CHARS
from apps.apis.enums import TimeoutClass, Visibility
from apps.apis.models import (
    HTTP_METHODS,
    Api,
    ApiStatusChange,
    Category,
    Endpoint,
    HealthCheck,
    UpstreamSecret,
)
from apps.apis.requirements import RequirementState


class ListingOutput(serializers.ModelSerializer[Api]):
    """An API in the catalogue."""

    id = serializers.CharField(source="public_id", read_only=True)
    category = serializers.SlugRelatedField[Category](slug_field="slug", read_only=True)
    provider = serializers.CharField(source="organization.name", read_only=True)
    gateway_url = serializers.SerializerMethodField()

    class Meta:
        """Explicit fields only."""

        model = Api
        fields: tuple[str, ...] = (
            "id",
            "slug",
            "name",
            "short_description",
            "category",
            "tags",
            "provider",
            "status",
            "gateway_url",
            "activated_at",
        )
        read_only_fields = fields

    @extend_schema_field({"type": "string", "format": "uri"})
    def get_gateway_url(self, row: Api) -> str:
        """Return where calls go."""
        return f"{settings.GATEWAY_URL}/{row.slug}"


class EndpointOutput(serializers.ModelSerializer[Endpoint]):
    """One operation."""

    class Meta:
        """Explicit fields only."""

        model = Endpoint
        fields = (
            "method",
            "path",
            "operation_id",
            "summary",
            "description",
            "tag",
            "parameters",
            "request_body",
            "responses",
            "is_deprecated",
            "requires_admin",
        )
        read_only_fields = fields


class ProviderApiOutput(ListingOutput):
    """An API as its provider sees it."""

    class Meta(ListingOutput.Meta):
        """The catalogue's fields and the provider's own."""

        fields = (
            *ListingOutput.Meta.fields,
            "status_reason",
            "description",
            "terms_url",
            "support_email",
            "visibility",
            "upstream_url",
            "allowed_methods",
            "cors_origins",
            "timeout_class",
            "calls_per_second",
            "calls_per_minute",
            "health_path",
            "health_expected_status",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields


class ApiChangesInput(serializers.Serializer[dict[str, Any]]):
    """What a provider may change; every field is optional."""

    name = serializers.CharField(max_length=100)
    slug = serializers.CharField(max_length=60)
    category = serializers.SlugRelatedField(slug_field="slug", queryset=Category.objects.all())
    upstream_url = serializers.URLField(max_length=300)
    short_description = serializers.CharField(max_length=200, allow_blank=True)
    description = serializers.CharField(max_length=50_000, allow_blank=True)
    tags = serializers.ListField(child=serializers.CharField(max_length=30), max_length=10)
    terms_url = serializers.URLField(allow_blank=True)
    support_email = serializers.EmailField(allow_blank=True)
    visibility = serializers.ChoiceField(choices=Visibility.choices)
    allowed_methods = serializers.ListField(
        child=serializers.ChoiceField(choices=HTTP_METHODS), min_length=1
    )
    cors_origins = serializers.ListField(
        child=serializers.CharField(max_length=MAX_ORIGIN_LENGTH_CHARS),
        max_length=MAX_CORS_ORIGINS,
        allow_empty=True,
        help_text='Origins of pages that may call the API in browsers, such as `https://app.example.com`; `["*"]`: any.',
    )
    timeout_class = serializers.ChoiceField(
        choices=TimeoutClass.choices,
        help_text="How long the gateway waits for the upstream to begin its answer.",
    )
    calls_per_second = serializers.IntegerField(
        min_value=1,
        max_value=MAX_CALLS_PER_WINDOW,
        allow_null=True,
        help_text="What all consumers together may send in a second; null: as much as comes.",
    )
    calls_per_minute = serializers.IntegerField(
        min_value=1,
        max_value=MAX_CALLS_PER_WINDOW,
        allow_null=True,
        help_text="What all consumers together may send in a minute; null: as much as comes.",
    )
    health_path = serializers.CharField(max_length=200)
    health_expected_status = serializers.IntegerField(min_value=100, max_value=599)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Accept any subset of the fields."""
        super().__init__(*args, partial=True, **kwargs)


NEEDED_FIELDS = frozenset({"name", "category", "upstream_url"})


class ApiInput(ApiChangesInput):
    """A new API: name, category and upstream are needed, the slug is made from the name if missing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Demand the fields without which there is no API."""
        serializers.Serializer.__init__(self, *args, **kwargs)

    def get_fields(self) -> dict[str, Any]:
        """Return the fields, the needed ones required."""
        fields = super().get_fields()
        for name, field in fields.items():
            field.required = name in NEEDED_FIELDS
        return fields


class HealthCheckOutput(serializers.ModelSerializer[HealthCheck]):
    """One probe of the upstream."""

    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        """Explicit fields only."""

        model = HealthCheck
        fields = ("id", "checked_at", "url", "is_healthy", "status_code", "latency_ms", "error")
        read_only_fields = fields


class StatusChangeOutput(serializers.ModelSerializer[ApiStatusChange]):
    """One move in the API's life."""

    at = serializers.DateTimeField(source="created_at", read_only=True)
    by = serializers.CharField(source="actor_label", read_only=True)

    class Meta:
        """Explicit fields only."""

        model = ApiStatusChange
        fields = ("at", "from_status", "to_status", "by", "by_operator", "reason")
        read_only_fields = fields


class RequirementOutput(serializers.Serializer[RequirementState]):
    """One thing that a submission needs."""

    code = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # the answer's member, not the field's label
    is_met = serializers.BooleanField()
    help = serializers.CharField()


class ApiStatusOutput(serializers.Serializer[dict[str, Any]]):
    """Where an API stands, how it came there, and what is missing for the next step."""

    status = serializers.CharField()
    reason = serializers.CharField()
    next = serializers.CharField()
    sunset_at = serializers.DateTimeField(allow_null=True)
    pending_update_id = serializers.CharField(allow_null=True)
    history = StatusChangeOutput(many=True)
    requirements = RequirementOutput(many=True)
    approval_id = serializers.CharField(allow_null=True)
    upstream_check = HealthCheckOutput(allow_null=True)


class ReasonInput(serializers.Serializer[dict[str, Any]]):
    """Why."""

    reason = serializers.CharField(max_length=1000)


class SecretInput(serializers.Serializer[dict[str, Any]]):
    """A header for the upstream."""

    header_name = serializers.CharField(max_length=80)
    value = serializers.CharField(max_length=4096, trim_whitespace=False)


class SecretOutput(serializers.ModelSerializer[UpstreamSecret]):
    """A header's name; its value is never shown."""

    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        """Explicit fields only."""

        model = UpstreamSecret
        fields = ("id", "header_name", "updated_at")
        read_only_fields = fields
