"""App configuration."""

from django.apps import AppConfig


class KeysConfig(AppConfig):
    """API keys: issue, rotate, expire, revoke."""

    name = "apps.keys"
    label = "keys"
    verbose_name = "Keys"

    def ready(self) -> None:
        """Register the receivers and the jobs."""
        from apps.keys import receivers, tasks  # noqa: F401, PLC0415 -- registration on import
