"""App configuration of the ground floor."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """Money, time, ids, audit, outbox, jobs: everything without a business noun."""

    name = "apps.core"
    label = "core"
    verbose_name = "Core"

    def ready(self) -> None:
        """Register the system checks and the outbox's own handlers."""
        from apps.core import checks, receivers  # noqa: F401, PLC0415 -- registration on import
