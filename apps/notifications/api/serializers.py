"""What the notification endpoints answer."""

from __future__ import annotations

from rest_framework import serializers

from apps.notifications.kinds import find_kind
from apps.notifications.models import Notification


class NotificationOutput(serializers.ModelSerializer[Notification]):
    """One message, in the language of the request."""

    id = serializers.CharField(source="public_id", read_only=True)
    title = serializers.SerializerMethodField()
    body = serializers.SerializerMethodField()

    class Meta:
        """Explicit fields only."""

        model = Notification
        fields = ("id", "kind", "title", "body", "url", "created_at", "read_at")
        read_only_fields = fields

    def get_title(self, row: Notification) -> str:
        """Return the kind's title, filled."""
        return find_kind(row.kind).title_for(row.context)

    def get_body(self, row: Notification) -> str:
        """Return the kind's body, filled."""
        return find_kind(row.kind).body_for(row.context)


class UnreadOutput(serializers.Serializer[dict[str, int]]):
    """How many messages wait."""

    unread = serializers.IntegerField()


class MarkedOutput(serializers.Serializer[dict[str, int]]):
    """How many messages were marked as read."""

    marked = serializers.IntegerField()
