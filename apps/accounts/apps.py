"""App configuration."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users, organizations, workspaces, members, roles, service tokens."""

    name = "apps.accounts"
    label = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        """Register what the relay delivers for this app, and how its credentials are documented."""
        from apps.accounts import checks, receivers  # noqa: F401, PLC0415 -- registration on import
        from apps.accounts.api import schema  # noqa: F401, PLC0415 -- as above
