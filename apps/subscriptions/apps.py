"""App configuration."""

from django.apps import AppConfig


class SubscriptionsConfig(AppConfig):
    """Who may call what on which plan."""

    name = "apps.subscriptions"
    label = "subscriptions"
    verbose_name = "Subscriptions"

    def ready(self) -> None:
        """Register the receivers, the jobs, what people are told, and what waits for operators."""
        from apps.accounts.deletion_blockers import register_deletion_blocker  # noqa: PLC0415 -- apps must be loaded
        from apps.accounts.timed_work import register_timed_work  # noqa: PLC0415 -- as above
        from apps.approvals.registry import register_handler  # noqa: PLC0415 -- as above
        from apps.notifications.kinds import register_kinds  # noqa: PLC0415 -- as above
        from apps.pricing.promotion_rules import register_customer_source  # noqa: PLC0415 -- as above
        from apps.subscriptions import (  # noqa: PLC0415 -- registration on import
            attention,  # noqa: F401
            endings,  # noqa: F401
            notices,
            plan_change_notices,  # noqa: F401
            plan_endings,  # noqa: F401
            plan_move_notices,  # noqa: F401
            promotion_webhooks,  # noqa: F401
            receivers,  # noqa: F401
            tasks,  # noqa: F401
            term_messages,  # noqa: F401
            trial_messages,  # noqa: F401
            zone_effects,  # noqa: F401
        )
        from apps.subscriptions.approval import SubscriptionAccessHandler  # noqa: PLC0415 -- as above
        from apps.subscriptions.deletion_blockers import LIVE_SUBSCRIPTIONS  # noqa: PLC0415 -- as above
        from apps.subscriptions.promotions import customer_of  # noqa: PLC0415 -- as above
        from apps.subscriptions.timed_work import WORKS  # noqa: PLC0415 -- as above

        register_deletion_blocker(LIVE_SUBSCRIPTIONS)
        register_handler(SubscriptionAccessHandler())
        register_kinds(*notices.ALL)
        register_timed_work(*WORKS)
        register_customer_source(customer_of)
