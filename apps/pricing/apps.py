"""App configuration."""

from django.apps import AppConfig


class PricingConfig(AppConfig):
    """Plans, price versions and the pure calculator."""

    name = "apps.pricing"
    label = "pricing"
    verbose_name = "Pricing"

    def ready(self) -> None:
        """Demand a published plan of every API that is submitted; watch the catalogue's files."""
        from apps.pricing import (  # noqa: PLC0415 -- registration on import
            attention,  # noqa: F401
            catalogue_watch,  # noqa: F401
            receivers,  # noqa: F401
            requirements,  # noqa: F401
        )
