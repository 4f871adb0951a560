"""States of the tables in this app."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import pgettext_lazy


class OutboxStatus(TextChoices):
    """Where a message stands."""

    PENDING = "pending", pgettext_lazy("message", "pending")
    DELIVERED = "delivered", pgettext_lazy("message", "delivered")
    DEAD = "dead", pgettext_lazy("message", "dead")


class DeadLetterState(TextChoices):
    """Where a dead letter stands: open until a person retried or discarded it."""

    OPEN = "open", pgettext_lazy("dead letter", "open")
    RETRIED = "retried", pgettext_lazy("dead letter", "retried")
    DISCARDED = "discarded", pgettext_lazy("dead letter", "discarded")


class JobStatus(TextChoices):
    """Where a job run stands."""

    QUEUED = "queued", pgettext_lazy("job", "queued")
    RUNNING = "running", pgettext_lazy("job", "running")
    SUCCEEDED = "succeeded", pgettext_lazy("job", "succeeded")
    FAILED = "failed", pgettext_lazy("job", "failed")


class JobTrigger(TextChoices):
    """What started a job run."""

    REQUEST = "request", pgettext_lazy("job", "request")
    SCHEDULE = "schedule", pgettext_lazy("job", "schedule")
    MANUAL = "manual", pgettext_lazy("job", "by hand")
