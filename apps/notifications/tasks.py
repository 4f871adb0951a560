"""Background work of this app."""

from __future__ import annotations

from datetime import timedelta

from apps.core.jobs import JobContext, job
from apps.core.schedule import schedule
from apps.notifications.services.delivering import deliver_due
from apps.notifications.services.retention import forget_old_deliveries


@job("notifications.deliver_webhooks")
def deliver_webhooks(_context: JobContext) -> dict[str, int]:
    """Send the webhook messages that are due."""
    return deliver_due()


@job("notifications.forget_webhook_deliveries")
def forget_webhook_deliveries(_context: JobContext) -> dict[str, int]:
    """Delete webhook deliveries and events of more than thirty days ago."""
    return forget_old_deliveries()


# Messages wake a worker themselves; this finds what is tried again and what a lost wake-up left behind.
schedule("notifications.deliver_webhooks", every=timedelta(seconds=15))
schedule("notifications.forget_webhook_deliveries", every=timedelta(days=1))
