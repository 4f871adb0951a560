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
        from apps.billing import attention, notices, receivers, stripe_webhooks  # noqa: F401, PLC0415 -- as said
        from apps.billing.estimates import outlooks  # noqa: PLC0415 -- as said
        from apps.notifications.kinds import register_kinds  # noqa: PLC0415 -- as said
        from apps.usage.costs import register_cost_source  # noqa: PLC0415 -- as said

        register_kinds(*notices.ALL)
        register_cost_source(outlooks)
