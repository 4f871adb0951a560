"""App configuration."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """In-app messages, e-mail and outbound webhooks."""

    name = "apps.notifications"
    label = "notifications"
    verbose_name = "Notifications"

    def ready(self) -> None:
        """Register the jobs, this app's own messages and the event type of tests."""
        # Apps must be loaded before these are imported; jobs register on import.
        from apps.accounts.enums import PlatformLimit  # noqa: PLC0415 -- as said
        from apps.accounts.platform_plans.counting import register_counter  # noqa: PLC0415 -- as said
        from apps.notifications import notices, tasks  # noqa: F401, PLC0415 -- as said
        from apps.notifications.event_types import (  # noqa: PLC0415 -- as said
            TEST_EVENT,
            register_event_types,
        )
        from apps.notifications.kinds import register_kinds  # noqa: PLC0415 -- as said
        from apps.notifications.selectors.webhooks import count_endpoints  # noqa: PLC0415 -- as said

        register_counter(PlatformLimit.WEBHOOK_ENDPOINTS, count_endpoints)
        register_kinds(*notices.ALL)
        register_event_types(TEST_EVENT)
