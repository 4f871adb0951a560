"""App configuration."""

from django.apps import AppConfig


class UsageConfig(AppConfig):
    """Events in, windows, quotas."""

    name = "apps.usage"
    label = "usage"
    verbose_name = "Usage"
