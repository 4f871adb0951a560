"""`manage.py register_stripe_webhook`: make the endpoint that Stripe's webhooks are verified against."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.billing.webhook_endpoint import register_webhook_endpoint


class Command(BaseCommand):
    """Registers the endpoint; safe to run again."""

    help = "Register the webhook endpoint with STRIPE_WEBHOOK_SECRET and print its address."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Write the row and print the address to enter at Stripe."""
        if not settings.STRIPE_WEBHOOK_SECRET:
            raise CommandError("STRIPE_WEBHOOK_SECRET is not set. Copy it from Stripe's dashboard.")
        self.stdout.write(register_webhook_endpoint())
