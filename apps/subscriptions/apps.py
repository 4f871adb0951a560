"""App configuration."""

from django.apps import AppConfig


class SubscriptionsConfig(AppConfig):
    """Who may call what on which plan."""

    name = "apps.subscriptions"
    label = "subscriptions"
    verbose_name = "Subscriptions"

    def ready(self) -> None:
        """Register the jobs."""
        from apps.subscriptions import tasks  # noqa: F401, PLC0415 -- registration on import
