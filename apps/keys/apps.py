"""App configuration."""

from django.apps import AppConfig


class KeysConfig(AppConfig):
    """API keys: issue, rotate, expire, revoke."""

    name = "apps.keys"
    label = "keys"
    verbose_name = "Keys"
