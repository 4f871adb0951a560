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


class ReplayStatus(TextChoices):
    """Where a replay of a node's log stands."""

    REQUESTED = "requested", pgettext_lazy("replay", "requested")
    DONE = "done", pgettext_lazy("replay", "done")
    FAILED = "failed", pgettext_lazy("replay", "failed")


class DriftScope(TextChoices):
    """Which subscriptions a comparison looks at."""

    RECENT = "recent", pgettext_lazy("drift", "those with use since the last run")
    ALL = "all", pgettext_lazy("drift", "all")


class DriftStatus(TextChoices):
    """How a comparison ended."""

    RUNNING = "running", pgettext_lazy("drift", "running")
    EQUAL = "equal", pgettext_lazy("drift", "equal")
    CORRECTED = "corrected", pgettext_lazy("drift", "corrected")
    UNEXPLAINED = "unexplained", pgettext_lazy("drift", "unexplained")
    INCOMPLETE = "incomplete", pgettext_lazy("drift", "calls on their way")
    FAILED = "failed", pgettext_lazy("drift", "failed")


class AnalyticsSide(TextChoices):
    """Who looks at calls added up."""

    CONSUMER = "consumer", pgettext_lazy("analytics", "consumer")
    PROVIDER = "provider", pgettext_lazy("analytics", "provider")
    OPERATOR = "operator", pgettext_lazy("analytics", "operator")
