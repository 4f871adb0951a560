"""States and kinds of usage."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import pgettext_lazy


class BatchStatus(TextChoices):
    """Where an inbox batch stands."""

    PENDING = "pending", pgettext_lazy("batch", "pending")
    PROCESSED = "processed", pgettext_lazy("batch", "processed")
    FAILED = "failed", pgettext_lazy("batch", "failed")


class EventOutcome(TextChoices):
    """Whether the access log confirmed the call."""

    COMPLETED = "completed", pgettext_lazy("call", "completed")
    UNCONFIRMED = "unconfirmed", pgettext_lazy("call", "unconfirmed")


class Aggregation(TextChoices):
    """How a meter turns events into a quantity."""

    COUNT = "count", pgettext_lazy("aggregation", "count")
    SUM = "sum", pgettext_lazy("aggregation", "sum")
    MAX = "max", pgettext_lazy("aggregation", "maximum")
    MIN = "min", pgettext_lazy("aggregation", "minimum")
    AVG = "avg", pgettext_lazy("aggregation", "average")
    UNIQUE = "unique", pgettext_lazy("aggregation", "unique")
    LATEST = "latest", pgettext_lazy("aggregation", "latest")


class AlertKind(TextChoices):
    """What runs low."""

    QUOTA = "quota", pgettext_lazy("usage alert", "quota")
    SPEND_CAP = "spend_cap", pgettext_lazy("usage alert", "spend cap")


class WindowStatus(TextChoices):
    """Whether a window may still change."""

    OPEN = "open", pgettext_lazy("window", "open")
    CLOSED = "closed", pgettext_lazy("window", "closed")
