"""What the endpoints of this app take and answer. A key itself appears in one answer only: the one that makes it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.core.models import AuditEvent
from apps.keys.constants import DEFAULT_ROTATION_GRACE, MAX_ALLOWED_ADDRESSES, MAX_ROTATION_GRACE
from apps.keys.enums import KeyStatus, Scope
from apps.keys.models import ApiKey
from apps.keys.services import KeyTerms

HOUR = timedelta(hours=1)


class KeyInput(serializers.Serializer[Any]):
    """A new key for a subscription."""

    subscription = serializers.CharField(help_text="Public id of the subscription, `sub_…`.")
    name = serializers.CharField(max_length=80)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=Scope.choices), required=False, allow_empty=False
    )
    ip_allow = serializers.ListField(
        child=serializers.CharField(max_length=50), required=False, max_length=MAX_ALLOWED_ADDRESSES
    )
    rate_per_minute = serializers.IntegerField(min_value=1, required=False, allow_null=True)
    expires_at = serializers.DateTimeField(required=False, allow_null=True)


def key_terms_of(values: dict[str, Any]) -> KeyTerms:
    """Turn validated input, without the subscription, into terms."""
    lists = {"scopes", "ip_allow"} & values.keys()
    terms = {**values, **{name: tuple(values[name]) for name in lists}}
    return KeyTerms(**terms)


class RenameInput(serializers.Serializer[Any]):
    """A new name."""

    name = serializers.CharField(max_length=80)


class RotateInput(serializers.Serializer[Any]):
    """For how many hours the old key stays valid beside its successor."""

    grace_hours = serializers.IntegerField(
        min_value=0, max_value=MAX_ROTATION_GRACE // HOUR, default=DEFAULT_ROTATION_GRACE // HOUR
    )


class KeyReasonInput(serializers.Serializer[Any]):
    """Why; kept in the trail."""

    reason = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class KeyOutput(serializers.ModelSerializer[ApiKey]):
    """A key without its secret."""

    id = serializers.CharField(source="public_id", read_only=True)
    subscription = serializers.CharField(source="subscription.public_id", read_only=True)
    api_slug = serializers.CharField(source="subscription.api.slug", read_only=True)
    masked = serializers.CharField(read_only=True)
    valid_until = serializers.SerializerMethodField()

    class Meta:
        """Explicit fields only: never the digest."""

        model = ApiKey
        fields: tuple[str, ...] = (
            "id",
            "subscription",
            "api_slug",
            "name",
            "masked",
            "environment",
            "status",
            "status_reason",
            "scopes",
            "ip_allow",
            "rate_per_minute",
            "expires_at",
            "valid_until",
            "last_used_at",
            "created_at",
            "activated_at",
            "revoked_at",
        )
        read_only_fields = fields

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_valid_until(self, key: ApiKey) -> str | None:
        """Return the end of the grace of a key that is being replaced, else its expiry."""
        is_rotating = key.status == KeyStatus.ROTATING
        end = key.rotation_out.grace_ends_at if is_rotating else key.expires_at
        return serializers.DateTimeField().to_representation(end) if end else None


class IssuedKeyOutput(KeyOutput):
    """A new key with its secret, which is never shown again."""

    secret = serializers.CharField(read_only=True)

    class Meta(KeyOutput.Meta):
        """A key's fields and the secret."""

        fields = (*KeyOutput.Meta.fields, "secret")
        read_only_fields = fields


class RevokedKeyOutput(KeyOutput):
    """A revoked key; `status` is `revoking` until every authorizer has dropped it."""


class KeyEventOutput(serializers.ModelSerializer[AuditEvent]):
    """One thing that was done with a key."""

    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        """Explicit fields only."""

        model = AuditEvent
        fields = (
            "id",
            "occurred_at",
            "action",
            "actor_label",
            "ip",
            "user_agent",
            "before",
            "after",
            "reason",
        )
        read_only_fields = fields
