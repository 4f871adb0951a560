"""App configuration."""

from django.apps import AppConfig


class UsageConfig(AppConfig):
    """Events in, windows, quotas."""

    name = "apps.usage"
    label = "usage"
    verbose_name = "Usage"

    def ready(self) -> None:
        """Register outbox handlers."""
        from apps.usage import give_back  # noqa: F401, PLC0415 -- registration on import
