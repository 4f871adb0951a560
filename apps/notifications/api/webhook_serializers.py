"""What the webhook endpoints take and answer. A secret appears in the answer that makes it, and nowhere else."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.notifications.constants import API_VERSION, URL_MAX_CHARS
from apps.notifications.enums import EndpointStatus
from apps.notifications.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from apps.notifications.signing import payload_of


class WebhookEndpointInput(serializers.Serializer[Any]):
    """A new endpoint. Without event types it gets every event, those of later releases too."""

    url = serializers.CharField(max_length=URL_MAX_CHARS, help_text="An https:// address.")
    description = serializers.CharField(max_length=200, required=False, allow_blank=True)
    event_types = serializers.ListField(
        child=serializers.CharField(max_length=80), required=False, max_length=200
    )
    api_version = serializers.CharField(max_length=10, default=API_VERSION)


class WebhookEndpointChangeInput(serializers.Serializer[Any]):
    """What is to change; members that are left out stay. `status` enables and disables."""

    url = serializers.CharField(max_length=URL_MAX_CHARS, required=False)
    description = serializers.CharField(max_length=200, required=False, allow_blank=True)
    event_types = serializers.ListField(
        child=serializers.CharField(max_length=80), required=False, max_length=200
    )
    api_version = serializers.CharField(max_length=10, required=False)
    status = serializers.ChoiceField(choices=EndpointStatus.choices, required=False)


class WebhookEndpointOutput(serializers.ModelSerializer[WebhookEndpoint]):
    """An endpoint, without its secret."""

    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        """Explicit fields only."""

        model = WebhookEndpoint
        fields: tuple[str, ...] = (
            "id", "url", "description", "event_types", "api_version", "status", "disabled_because",
            "failing_since", "previous_secret_expires_at", "created_at", "updated_at",
        )  # fmt: skip
        read_only_fields: tuple[str, ...] = fields


class IssuedWebhookEndpointOutput(WebhookEndpointOutput):
    """An endpoint with the secret that it just got; null in the answer to a repeated request."""

    secret = serializers.CharField(allow_null=True, read_only=True)

    class Meta(WebhookEndpointOutput.Meta):
        """As without the secret, and it."""

        fields = (*WebhookEndpointOutput.Meta.fields, "secret")
        read_only_fields = fields


class WebhookAttemptOutput(serializers.ModelSerializer[WebhookAttempt]):
    """One call. Without `finished_at` nobody saw how it ended."""

    class Meta:
        """Explicit fields only."""

        model = WebhookAttempt
        fields = (
            "number", "started_at", "finished_at", "duration_ms", "request_headers",
            "response_status", "response_excerpt", "error",
        )  # fmt: skip
        read_only_fields = fields


class WebhookDeliveryOutput(serializers.ModelSerializer[WebhookDelivery]):
    """One event on its way to one endpoint."""

    id = serializers.CharField(source="public_id", read_only=True)
    endpoint_id = serializers.CharField(source="endpoint.public_id", read_only=True)
    event_id = serializers.CharField(source="event.public_id", read_only=True)
    type = serializers.CharField(source="event.type", read_only=True)

    class Meta:
        """Explicit fields only."""

        model = WebhookDelivery
        fields: tuple[str, ...] = (
            "id", "endpoint_id", "event_id", "type", "status", "attempts_made", "attempts_left",
            "next_attempt_at", "response_status", "delivered_at", "created_at",
        )  # fmt: skip
        read_only_fields: tuple[str, ...] = fields


class WebhookDeliveryDetailOutput(WebhookDeliveryOutput):
    """A delivery with what is sent and every attempt."""

    payload = serializers.SerializerMethodField()
    attempts = WebhookAttemptOutput(many=True, read_only=True)

    class Meta(WebhookDeliveryOutput.Meta):
        """As in lists, and more."""

        fields = (*WebhookDeliveryOutput.Meta.fields, "payload", "attempts")
        read_only_fields = fields

    def get_payload(self, row: WebhookDelivery) -> dict[str, Any]:
        """Return the body that is sent."""
        return payload_of(row.event, row.endpoint)


class ReplayInput(serializers.Serializer[Any]):
    """Since when."""

    since = serializers.DateTimeField(help_text="Within the last 30 days.")


class ReplayOutput(serializers.Serializer[dict[str, int]]):
    """How many messages are sent again."""

    deliveries = serializers.IntegerField()


class EventTypeOutput(serializers.Serializer[Any]):
    """A kind of event, with an example of its `data`."""

    name = serializers.CharField()
    description = serializers.CharField()
    example = serializers.JSONField()


class EventTypesOutput(serializers.Serializer[Any]):
    """Every kind of event."""

    data = EventTypeOutput(many=True)  # type: ignore[assignment]  # a field of the answer
