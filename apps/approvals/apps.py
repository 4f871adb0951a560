"""App configuration."""

from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    """Generic request and decision engine; knows no subject type."""

    name = "apps.approvals"
    label = "approvals"
    verbose_name = "Approvals"

    def ready(self) -> None:
        """Register the notices, what sends them, and the jobs."""
        from apps.approvals import (  # noqa: PLC0415 -- registration on import
            attention,  # noqa: F401 -- as said
            notices,
            receivers,  # noqa: F401 -- as said
            tasks,  # noqa: F401 -- as said
            webhooks,
        )
        from apps.notifications.kinds import register_kinds  # noqa: PLC0415 -- apps must be loaded
        from apps.notifications.webhooks import register_event_types  # noqa: PLC0415 -- as above

        register_kinds(*notices.ALL)
        register_event_types(*webhooks.ALL)
