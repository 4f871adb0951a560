"""App configuration."""

from django.apps import AppConfig


class SubscriptionsConfig(AppConfig):
    """Who may call what on which plan."""

    name = "apps.subscriptions"
    label = "subscriptions"
    verbose_name = "Subscriptions"

    def ready(self) -> None:
        """Register the receivers and the jobs."""
        from apps.subscriptions import receivers, tasks  # noqa: F401, PLC0415 -- registration on import
