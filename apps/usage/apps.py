"""App configuration."""

from django.apps import AppConfig


class UsageConfig(AppConfig):
    """Events in, windows, quotas."""

    name = "apps.usage"
    label = "usage"
    verbose_name = "Usage"

    def ready(self) -> None:
        """Register outbox handlers, what waits in the back office, and the source of quota standings."""
        from apps.subscriptions.usage_sources import register_usage_source  # noqa: PLC0415 -- needs models
        from apps.usage import attention, dead_letters, give_back  # noqa: F401, PLC0415 -- registration on import
        from apps.usage.selectors import used_calls_for  # noqa: PLC0415 -- needs models

        register_usage_source(used_calls_for)
