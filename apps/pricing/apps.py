"""App configuration."""

from django.apps import AppConfig


class PricingConfig(AppConfig):
    """Plans, price versions and the pure calculator."""

    name = "apps.pricing"
    label = "pricing"
    verbose_name = "Pricing"

    def ready(self) -> None:
        """Demand a published plan of every API that is submitted."""
        from apps.pricing import requirements  # noqa: F401, PLC0415 -- registration on import
