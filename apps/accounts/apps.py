"""App configuration."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users, organizations, workspaces, members, roles, service tokens."""

    name = "apps.accounts"
    label = "accounts"
    verbose_name = "Accounts"
