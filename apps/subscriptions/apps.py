"""App configuration."""

from django.apps import AppConfig


class SubscriptionsConfig(AppConfig):
    """Who may call what on which plan."""

    name = "apps.subscriptions"
    label = "subscriptions"
    verbose_name = "Subscriptions"
