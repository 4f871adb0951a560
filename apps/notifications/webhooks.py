"""What other apps call: `register_event_types` in `ready()`, `publish_webhook` in a transaction."""

from apps.notifications.event_types import WebhookEventType, register_event_types
from apps.notifications.services.publishing import publish_webhook

__all__ = ("WebhookEventType", "publish_webhook", "register_event_types")
