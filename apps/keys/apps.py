"""App configuration."""

from django.apps import AppConfig


class KeysConfig(AppConfig):
    """API keys: issue, rotate, expire, revoke."""

    name = "apps.keys"
    label = "keys"
    verbose_name = "Keys"

    def ready(self) -> None:
        """Register the receivers, the jobs and what webhooks tell."""
        from apps.accounts.timed_work import register_timed_work  # noqa: PLC0415 -- as said
        from apps.keys import (  # noqa: PLC0415 -- registration on import
            attention,  # noqa: F401 -- as said
            checks,  # noqa: F401 -- as said
            messages,  # noqa: F401 -- as said
            notices,
            receivers,  # noqa: F401 -- as said
            tasks,  # noqa: F401 -- as said
            webhooks,
        )
        from apps.keys.timed_work import WORKS  # noqa: PLC0415 -- as said
        from apps.notifications.kinds import register_kinds  # noqa: PLC0415 -- as said
        from apps.notifications.webhooks import register_event_types  # noqa: PLC0415 -- as said

        register_event_types(*webhooks.ALL)
        register_kinds(*notices.ALL)
        register_timed_work(*WORKS)
