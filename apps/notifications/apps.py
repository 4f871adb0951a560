"""App configuration."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """In-app messages, e-mail and outbound webhooks."""

    name = "apps.notifications"
    label = "notifications"
    verbose_name = "Notifications"
