"""App configuration."""

from django.apps import AppConfig


class BillingConfig(AppConfig):
    """Periods, rating, invoices, payments, earnings."""

    name = "apps.billing"
    label = "billing"
    verbose_name = "Billing"

    def ready(self) -> None:
        """Register receivers, Stripe's webhooks, what people are told, and what calls cost."""
        # Apps must be loaded before these are imported; most register on import.
        from apps.accounts.deletion_blockers import register_deletion_blocker  # noqa: PLC0415 -- as said
        from apps.accounts.timed_work import register_timed_work  # noqa: PLC0415 -- as said
        from apps.approvals.registry import register_handler  # noqa: PLC0415 -- as said
        from apps.billing import (  # noqa: PLC0415 -- as said
            attention,  # noqa: F401 -- as said
            notices,
            receivers,  # noqa: F401 -- as said
            stripe_webhooks,  # noqa: F401 -- as said
            webhooks,
        )
        from apps.billing.approval import RefundHandler  # noqa: PLC0415 -- as said
        from apps.billing.deletion_blockers import UNPAID_INVOICES  # noqa: PLC0415 -- as said
        from apps.billing.estimates import outlooks  # noqa: PLC0415 -- as said
        from apps.billing.retention import invoices_need  # noqa: PLC0415 -- as said
        from apps.billing.saved_cards import has_saved_card  # noqa: PLC0415 -- as said
        from apps.billing.services.plan_changes import find_running_period  # noqa: PLC0415 -- as said
        from apps.billing.span_costs import span_costs_for  # noqa: PLC0415 -- as said
        from apps.billing.timed_work import WORKS  # noqa: PLC0415 -- as said
        from apps.notifications.kinds import register_kinds  # noqa: PLC0415 -- as said
        from apps.notifications.webhooks import register_event_types  # noqa: PLC0415 -- as said
        from apps.subscriptions.card_sources import register_card_source  # noqa: PLC0415 -- as said
        from apps.subscriptions.running_periods import (  # noqa: PLC0415 -- as said
            register_running_period_source,
        )
        from apps.usage.costs import (  # noqa: PLC0415 -- as said
            register_cost_source,
            register_span_cost_source,
        )
        from apps.usage.retention import register_retention_source  # noqa: PLC0415 -- as said

        register_timed_work(*WORKS)
        register_card_source(has_saved_card)
        register_handler(RefundHandler())
        register_deletion_blocker(UNPAID_INVOICES)
        register_kinds(*notices.ALL)
        register_event_types(*webhooks.ALL)
        register_cost_source(outlooks)
        register_span_cost_source(span_costs_for)
        register_running_period_source(find_running_period)
        register_retention_source(invoices_need)
