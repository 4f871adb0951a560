"""App configuration."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """Pages that read several domains."""

    name = "apps.portal"
    label = "portal"
    verbose_name = "Portal"

    def ready(self) -> None:
        """Fill the areas of pages that domains share, and register what only the top floor can see."""
        from apps.approvals.registry import register_handler  # noqa: PLC0415 -- apps must be loaded
        from apps.portal import health, metrics, plans_area, receivers, reviews_area  # noqa: F401, PLC0415 -- registration on import
        from apps.portal.account_deletion import AccountDeletionHandler  # noqa: PLC0415 -- as above

        register_handler(AccountDeletionHandler())
