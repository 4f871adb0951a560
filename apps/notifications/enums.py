"""States of webhooks."""

from __future__ import annotations

from typing import Final

from django.db.models import TextChoices
from django.utils.translation import pgettext_lazy


class EndpointStatus(TextChoices):
    """Whether an endpoint gets messages."""

    ACTIVE = "active", pgettext_lazy("webhook endpoint", "active")
    DISABLED = "disabled", pgettext_lazy("webhook endpoint", "disabled")


class DisabledBecause(TextChoices):
    """Why an endpoint gets no messages."""

    BY_HAND = "by_hand", pgettext_lazy("webhook endpoint", "disabled by hand")
    GONE = "gone", pgettext_lazy("webhook endpoint", "it answered 410 Gone")
    FAILING = "failing", pgettext_lazy("webhook endpoint", "it failed for days")


class DeliveryStatus(TextChoices):
    """Where the delivery of one message to one endpoint stands."""

    PENDING = "pending", pgettext_lazy("webhook delivery", "pending")
    FAILED = "failed", pgettext_lazy("webhook delivery", "failed, tried again later")
    SUCCEEDED = "succeeded", pgettext_lazy("webhook delivery", "succeeded")
    EXHAUSTED = "exhausted", pgettext_lazy("webhook delivery", "given up")


# Another attempt will follow.
OPEN_STATUSES: Final = (DeliveryStatus.PENDING, DeliveryStatus.FAILED)
