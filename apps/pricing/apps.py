"""App configuration."""

from django.apps import AppConfig


class PricingConfig(AppConfig):
    """Plans, price versions and the pure calculator."""

    name = "apps.pricing"
    label = "pricing"
    verbose_name = "Pricing"
