"""What a provider's endpoints take and answer about versions, documents, updates, access, headers and the logo."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.apis.api.serializers import ProviderApiOutput
from apps.apis.models import (
    Api,
    ApiAccess,
    ApiUpdate,
    ApiVersion,
    OpenapiImport,
    RequiredHeader,
)
from apps.apis.services import FieldWarning, ImportedDocument
from apps.apis.templatetags.apis import logo_path


class RequiredHeaderOutput(serializers.ModelSerializer[RequiredHeader]):
    """A header that callers must send."""

    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        """Explicit fields only."""

        model = RequiredHeader
        fields = ("id", "name", "description")
        read_only_fields = fields


class RequiredHeaderInput(serializers.Serializer[dict[str, Any]]):
    """A header that callers must send."""

    name = serializers.CharField(max_length=80)
    description = serializers.CharField(max_length=200, required=False, allow_blank=True)


class ApiUpdateOutput(serializers.ModelSerializer[ApiUpdate]):
    """A change of a live API; `changes` maps each field to its value before and after."""

    id = serializers.CharField(source="public_id", read_only=True)
    requested_at = serializers.DateTimeField(source="created_at", read_only=True)
    requested_by = serializers.CharField(source="actor_label", read_only=True)

    class Meta:
        """Explicit fields only; sealed values are shown to nobody."""

        model = ApiUpdate
        fields = (
            "id",
            "status",
            "changes",
            "requested_at",
            "requested_by",
            "decided_at",
            "reason",
        )
        read_only_fields = fields


class ProviderApiDetailOutput(ProviderApiOutput):
    """An API as its provider sees it, with what belongs to it."""

    logo_url = serializers.SerializerMethodField()
    required_headers = serializers.SerializerMethodField()
    pending_update = serializers.SerializerMethodField()

    class Meta(ProviderApiOutput.Meta):
        """The list's fields and more."""

        fields = (
            *ProviderApiOutput.Meta.fields,
            "sunset_at",
            "logo_url",
            "required_headers",
            "pending_update",
        )
        read_only_fields = fields

    @extend_schema_field({"type": "string", "nullable": True})
    def get_logo_url(self, row: Api) -> str | None:
        """Return where the logo is, if there is one."""
        return logo_path(row, self.context["logo"]) or None

    @extend_schema_field(RequiredHeaderOutput(many=True))
    def get_required_headers(self, _row: Api) -> Any:
        """Return the headers that callers must send."""
        return RequiredHeaderOutput(self.context["headers"], many=True).data

    @extend_schema_field(ApiUpdateOutput(allow_null=True))
    def get_pending_update(self, _row: Api) -> Any:
        """Return the change that waits for an approver."""
        update = self.context["update"]
        return ApiUpdateOutput(update).data if update else None


class WarningOutput(serializers.Serializer[FieldWarning]):
    """Something that is saved all the same, but will stand in the way of a submission."""

    field = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


class CreatedApiOutput(ProviderApiOutput):
    """A new draft; `warnings` says that its upstream does not answer as it should."""

    warnings = WarningOutput(many=True, read_only=True, default=())

    class Meta(ProviderApiOutput.Meta):
        """The list's fields and the warnings."""

        fields = (*ProviderApiOutput.Meta.fields, "warnings")
        read_only_fields = fields


class ChangedApiOutput(ProviderApiDetailOutput):
    """A changed API; `warnings` says that its upstream, or the one that waits, does not answer as it should."""

    warnings = WarningOutput(many=True, read_only=True, default=())

    class Meta(ProviderApiDetailOutput.Meta):
        """The page's fields and the warnings."""

        fields = (*ProviderApiDetailOutput.Meta.fields, "warnings")
        read_only_fields = fields


class DeprecateInput(serializers.Serializer[dict[str, Any]]):
    """When the API will be retired, and what subscribers are told."""

    sunset_at = serializers.DateTimeField(required=False, allow_null=True)
    reason = serializers.CharField(max_length=1000, required=False, allow_blank=True)


class RetireInput(serializers.Serializer[dict[str, Any]]):
    """The API's address as a confirmation, and why."""

    confirm = serializers.CharField(max_length=60)
    reason = serializers.CharField(max_length=1000, required=False, allow_blank=True)


class VersionOutput(serializers.ModelSerializer[ApiVersion]):
    """A version of an API."""

    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        """Explicit fields only."""

        model = ApiVersion
        fields = (
            "id",
            "name",
            "status",
            "is_current",
            "changelog",
            "openapi_source_url",
            "published_at",
            "deprecated_at",
            "sunset_at",
            "retired_at",
            "created_at",
        )
        read_only_fields = fields


class VersionChangesInput(serializers.Serializer[dict[str, Any]]):
    """What changed in a version; Markdown."""

    changelog = serializers.CharField(max_length=50_000, allow_blank=True)


class VersionInput(serializers.Serializer[dict[str, Any]]):
    """A version that is prepared; a document whose `info.version` is its name fills it."""

    name = serializers.CharField(max_length=40)
    changelog = serializers.CharField(max_length=50_000, required=False, allow_blank=True)


class SunsetInput(serializers.Serializer[dict[str, Any]]):
    """When a version ends."""

    sunset_at = serializers.DateTimeField()


class OpenApiInput(serializers.Serializer[dict[str, Any]]):
    """A document as an uploaded `file`, or its address as `url`.

    `apply`: whether it is in force at once. Left out: the first document of an API is, later ones are compared and wait.
    """

    file = serializers.FileField(required=False)
    url = serializers.URLField(required=False, max_length=300)
    apply = serializers.BooleanField(required=False, allow_null=True, default=None)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Demand exactly one of the two."""
        if ("file" in attrs) == ("url" in attrs):
            raise serializers.ValidationError(
                {"file": [_("Send either a file or a url.")]}, code="required"
            )
        return attrs


class OpenApiChangeOutput(serializers.Serializer[dict[str, Any]]):
    """One difference of two documents; the pointer leads to it."""

    kind = serializers.ChoiceField(choices=("added", "changed", "removed"))
    code = serializers.CharField()
    subject = serializers.CharField()
    name = serializers.CharField()
    pointer = serializers.CharField()
    is_breaking = serializers.BooleanField()
    before = serializers.CharField()
    after = serializers.CharField()


class OpenapiImportOutput(serializers.ModelSerializer[OpenapiImport]):
    """A document that was read, and what it changes."""

    id = serializers.CharField(source="public_id", read_only=True)
    version = serializers.CharField(source="version_name", read_only=True)
    changes = OpenApiChangeOutput(many=True, read_only=True)
    read_at = serializers.DateTimeField(source="created_at", read_only=True)
    read_by = serializers.CharField(source="actor_label", read_only=True)

    class Meta:
        """Explicit fields only."""

        model = OpenapiImport
        fields = (
            "id",
            "version",
            "status",
            "is_breaking",
            "changes",
            "source_url",
            "read_at",
            "read_by",
            "settled_at",
        )
        read_only_fields = fields


class ImportOutput(serializers.Serializer[ImportedDocument]):
    """What became of a document.

    `is_unchanged`: these bytes are in force already. `is_waiting`: it breaks callers of a live API, so an approver decides.
    """

    version = serializers.CharField(source="version_name")
    endpoint_count = serializers.IntegerField()
    is_unchanged = serializers.BooleanField()
    is_waiting = serializers.BooleanField()
    openapi_import = OpenapiImportOutput(source="row", allow_null=True)


class LogoInput(serializers.Serializer[dict[str, Any]]):
    """A PNG, JPEG or WebP picture as an uploaded `logo`, or its address as `url`."""

    logo = serializers.FileField(required=False)
    url = serializers.URLField(required=False, max_length=300)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Demand exactly one of the two."""
        if ("logo" in attrs) == ("url" in attrs):
            raise serializers.ValidationError(
                {"logo": [_("Send either a logo or a url.")]}, code="required"
            )
        return attrs


class LogoOutput(serializers.Serializer[dict[str, Any]]):
    """Where the logo is now."""

    logo_url = serializers.CharField()


class AccessOutput(serializers.ModelSerializer[ApiAccess]):
    """An organization that a private API is open to."""

    id = serializers.CharField(source="public_id", read_only=True)
    organization_id = serializers.CharField(source="organization.public_id", read_only=True)
    organization = serializers.CharField(source="organization.name", read_only=True)
    granted_by = serializers.CharField(source="granted_by_label", read_only=True)

    class Meta:
        """Explicit fields only."""

        model = ApiAccess
        fields = ("id", "organization_id", "organization", "granted_at", "granted_by")
        read_only_fields = fields


class AccessInput(serializers.Serializer[dict[str, Any]]):
    """An organization by its id."""

    organization_id = serializers.CharField(max_length=60)


class AccessInvitationInput(serializers.Serializer[dict[str, Any]]):
    """Somebody who works in the organization that is to have access."""

    email = serializers.EmailField(max_length=254)
