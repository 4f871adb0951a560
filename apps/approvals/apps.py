"""App configuration."""

from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    """Generic request and decision engine; knows no subject type."""

    name = "apps.approvals"
    label = "approvals"
    verbose_name = "Approvals"
