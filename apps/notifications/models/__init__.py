"""What people are told, and the messages that programs get."""

from apps.notifications.models.inbox import Notification
from apps.notifications.models.preferences import NotificationPreference
from apps.notifications.models.webhooks import (
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)

__all__ = (
    "Notification",
    "NotificationPreference",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookEvent",
)
