"""App configuration."""

from django.apps import AppConfig


class BillingConfig(AppConfig):
    """Periods, rating, invoices, payments, earnings."""

    name = "apps.billing"
    label = "billing"
    verbose_name = "Billing"
