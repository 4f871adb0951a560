"""App configuration."""

from django.apps import AppConfig


class BillingConfig(AppConfig):
    """Periods, rating, invoices, payments, earnings."""

    name = "apps.billing"
    label = "billing"
    verbose_name = "Billing"

    def ready(self) -> None:
        """Register receivers, outbox handlers and Stripe's webhooks."""
        from apps.billing import receivers, stripe_webhooks  # noqa: F401, PLC0415 -- on import
