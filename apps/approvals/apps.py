"""App configuration."""

from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    """Generic request and decision engine; knows no subject type."""

    name = "apps.approvals"
    label = "approvals"
    verbose_name = "Approvals"

    def ready(self) -> None:
        """Register the notices and what sends them."""
        from apps.approvals import notices, receivers  # noqa: F401, PLC0415 -- registration on import
        from apps.notifications.kinds import register_kinds  # noqa: PLC0415 -- apps must be loaded

        register_kinds(*notices.ALL)
