"""What the endpoints of this app take and answer. A key itself appears in one answer only: the one that makes it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.core.models import AuditEvent
from apps.keys.api.terms import EndpointField, TermsInput, terms_among
from apps.keys.constants import (
    DEFAULT_ROTATION_GRACE,
    MAX_ROTATION_DAYS,
    MAX_ROTATION_GRACE,
)
from apps.keys.enums import KeyStatus, LeakPolicy
from apps.keys.models import ApiKey, KeyLeak
from apps.keys.services import KeyTerms
from apps.keys.stops import mark_stops

HOUR = timedelta(hours=1)


class RotationDaysField(serializers.IntegerField):
    """Days between automatic rotations."""

    def __init__(self, **options: Any) -> None:
        """Take 0 to 365 or null."""
        super().__init__(
            min_value=0,
            max_value=MAX_ROTATION_DAYS,
            allow_null=True,
            help_text="Days between automatic rotations; 0: never, null: as the plan says.",
            **options,
        )


class KeyInput(TermsInput):
    """A new key for a subscription."""

    subscription = serializers.CharField(help_text="Public id of the subscription, `sub_…`.")
    name = serializers.CharField(max_length=80)
    rotation_days = RotationDaysField(required=False)
    auto_renew = serializers.BooleanField(required=False)


def key_terms_of(values: dict[str, Any]) -> KeyTerms:
    """Turn validated input, without the subscription, into terms."""
    return KeyTerms(**{**values, **terms_among(values)})


class KeyChangesInput(TermsInput):
    """What changes; what is left out stays."""

    name = serializers.CharField(max_length=80, required=False)
    rotation_days = RotationDaysField(required=False)
    auto_renew = serializers.BooleanField(
        required=False, help_text="Whether the key gets another term when it would end."
    )


class KeyPolicyInput(serializers.Serializer[Any]):
    """What to do with keys that are found in public."""

    on_leak = serializers.ChoiceField(choices=LeakPolicy.choices)


class RotateInput(serializers.Serializer[Any]):
    """For how many hours the old key stays valid beside its successor."""

    grace_hours = serializers.IntegerField(
        min_value=0, max_value=MAX_ROTATION_GRACE // HOUR, default=DEFAULT_ROTATION_GRACE // HOUR
    )


class KeyReasonInput(serializers.Serializer[Any]):
    """Why; kept in the trail."""

    reason = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class KeyListSerializer(serializers.ListSerializer[Any]):
    """Finds out for a page of keys at once which are stopped by a quota."""

    def to_representation(self, data: Any) -> Any:
        """Write the keys."""
        rows = list(data)
        mark_stops(rows)
        return super().to_representation(rows)


class KeyOutput(serializers.ModelSerializer[ApiKey]):
    """A key without its secret.

    While a hard quota or a spend cap is used up, the subscription's active keys are shown `suspended` with the reason
    `quota_exceeded` or `spend_cap_reached`, until `stopped_until` at the latest.
    """

    id = serializers.CharField(source="public_id", read_only=True)
    subscription = serializers.CharField(source="subscription.public_id", read_only=True)
    api_slug = serializers.CharField(source="subscription.api.slug", read_only=True)
    masked = serializers.CharField(read_only=True)
    status = serializers.ChoiceField(
        source="shown_status", choices=KeyStatus.choices, read_only=True
    )
    status_reason = serializers.CharField(source="shown_reason", read_only=True)
    stopped_until = serializers.DateTimeField(
        source="stop.until", read_only=True, default=None, allow_null=True
    )
    endpoints = EndpointField(many=True, read_only=True)
    valid_until = serializers.SerializerMethodField()
    readable_until = serializers.DateTimeField(
        read_only=True,
        allow_null=True,
        help_text="Until when the text of a key that a job made can be read once; null when it cannot.",
    )

    class Meta:
        """Explicit fields only: never the digest."""

        model = ApiKey
        list_serializer_class = KeyListSerializer
        fields: tuple[str, ...] = (
            "id",
            "subscription",
            "api_slug",
            "name",
            "masked",
            "environment",
            "status",
            "status_reason",
            "stopped_until",
            "scopes",
            "endpoints",
            "tags",
            "ip_allow",
            "rate_per_second",
            "rate_per_minute",
            "rate_per_hour",
            "rate_per_day",
            "expires_at",
            "valid_until",
            "rotation_days",
            "rotates_at",
            "auto_renew",
            "readable_until",
            "last_used_at",
            "last_used_ip",
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


class RevealedKeyOutput(serializers.Serializer[Any]):
    """The text of a key, which is never shown again."""

    id = serializers.CharField(read_only=True)
    secret = serializers.CharField(read_only=True)


class KeyPolicyOutput(serializers.Serializer[Any]):
    """What to do with keys that are found in public."""

    on_leak = serializers.ChoiceField(choices=LeakPolicy.choices, read_only=True)


class KeyLeakOutput(serializers.ModelSerializer[KeyLeak]):
    """Where a key was found in public, and what was done."""

    id = serializers.CharField(source="public_id", read_only=True)
    key = serializers.CharField(source="key.public_id", read_only=True)
    masked = serializers.CharField(source="key.masked", read_only=True)

    class Meta:
        """Explicit fields only."""

        model = KeyLeak
        fields = ("id", "key", "masked", "source", "url", "outcome", "created_at")
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
