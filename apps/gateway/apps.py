"""App configuration."""

from django.apps import AppConfig


class GatewayConfig(AppConfig):
    """Registry of what may be called, authorizer, sync."""

    name = "apps.gateway"
    label = "gateway"
    verbose_name = "Gateway"
