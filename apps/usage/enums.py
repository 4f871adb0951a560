"""States and kinds of usage."""

from __future__ import annotations

from django.db.models import IntegerChoices, TextChoices
from django.utils.translation import pgettext_lazy


class BatchStatus(TextChoices):
    """Where an inbox batch stands."""

    PENDING = "pending", pgettext_lazy("batch", "pending")
    PROCESSED = "processed", pgettext_lazy("batch", "processed")
    FAILED = "failed", pgettext_lazy("batch", "failed")


class RejectionCode(TextChoices):
    """Why an event was not taken. The values are part of the API: docs/api/usage-events.md lists them."""

    INVALID_JSON = "invalid_json", pgettext_lazy("rejected event", "invalid JSON")
    MISSING_FIELD = "missing_field", pgettext_lazy("rejected event", "missing field")
    WRONG_TYPE = "wrong_type", pgettext_lazy("rejected event", "wrong type")
    INVALID_VALUE = "invalid_value", pgettext_lazy("rejected event", "invalid value")
    AMBIGUOUS_FIELD = "ambiguous_field", pgettext_lazy("rejected event", "ambiguous field")
    RESERVED_SOURCE = "reserved_source", pgettext_lazy("rejected event", "reserved source")
    IN_FUTURE = "in_future", pgettext_lazy("rejected event", "in the future")
    TOO_OLD = "too_old", pgettext_lazy("rejected event", "too old")
    UNKNOWN_KEY = "unknown_key", pgettext_lazy("rejected event", "unknown key")
    UNKNOWN_SUBSCRIPTION = (
        "unknown_subscription",
        pgettext_lazy("rejected event", "unknown subscription"),
    )
    NOT_YOURS = "not_yours", pgettext_lazy("rejected event", "not yours")


class EventFate(TextChoices):
    """What became of an event of a batch."""

    WAITING = "waiting", pgettext_lazy("sent event", "waiting")
    STORED = "stored", pgettext_lazy("sent event", "stored")
    DUPLICATE = "duplicate", pgettext_lazy("sent event", "duplicate")
    CONFLICT = "conflict", pgettext_lazy("sent event", "conflict")
    REJECTED = "rejected", pgettext_lazy("sent event", "rejected")
    DEAD_LETTER = "dead_letter", pgettext_lazy("sent event", "dead letter")


class EventOutcome(TextChoices):
    """Whether the access log confirmed the call."""

    COMPLETED = "completed", pgettext_lazy("call", "completed")
    UNCONFIRMED = "unconfirmed", pgettext_lazy("call", "unconfirmed")
    # No call: a value that a provider sent for a meter. It has no method and no status.
    MEASURED = "measured", pgettext_lazy("call", "measurement")


class Aggregation(TextChoices):
    """How a meter turns events into a quantity."""

    COUNT = "count", pgettext_lazy("aggregation", "count")
    SUM = "sum", pgettext_lazy("aggregation", "sum")
    MAX = "max", pgettext_lazy("aggregation", "maximum")
    MIN = "min", pgettext_lazy("aggregation", "minimum")
    AVG = "avg", pgettext_lazy("aggregation", "average")
    UNIQUE = "unique", pgettext_lazy("aggregation", "unique")
    LATEST = "latest", pgettext_lazy("aggregation", "latest")
    TIME_WEIGHTED = "time_weighted", pgettext_lazy("aggregation", "time-weighted average")


class MeterSource(TextChoices):
    """Where a meter takes its values from."""

    CALLS = "calls", pgettext_lazy("meter source", "calls")
    PROPERTY = "property", pgettext_lazy("meter source", "property of events that you send")
    RESPONSE_HEADER = "header", pgettext_lazy("meter source", "response header")
    REQUEST_BYTES = "request_bytes", pgettext_lazy("meter source", "request size in bytes")
    RESPONSE_BYTES = "response_bytes", pgettext_lazy("meter source", "response size in bytes")
    LATENCY = "latency", pgettext_lazy("meter source", "response time in milliseconds")


class UnitConversion(TextChoices):
    """How a period's quantity becomes the units that are priced."""

    NONE = "", pgettext_lazy("unit conversion", "none")
    MULTIPLY = "multiply", pgettext_lazy("unit conversion", "multiply by")
    DIVIDE = "divide", pgettext_lazy("unit conversion", "divide by")


class UnitRounding(TextChoices):
    """How the priced units are rounded, once per period."""

    NONE = "none", pgettext_lazy("unit rounding", "not rounded")
    HALF_UP = "half_up", pgettext_lazy("unit rounding", "to the nearest, half up")
    CEILING = "ceiling", pgettext_lazy("unit rounding", "up")
    FLOOR = "floor", pgettext_lazy("unit rounding", "down")


class WindowSize(IntegerChoices):
    """How long a window of a meter is, in seconds."""

    MINUTE = 60, pgettext_lazy("window size", "one minute")
    HOUR = 3600, pgettext_lazy("window size", "one hour")
    DAY = 86_400, pgettext_lazy("window size", "one day")


class MeterErrorCode(TextChoices):
    """Why an event gave a meter no value."""

    MISSING = "missing", pgettext_lazy("meter error", "The value is missing.")
    NOT_A_NUMBER = "not_a_number", pgettext_lazy("meter error", "The value is not a number.")
    OUT_OF_RANGE = "out_of_range", pgettext_lazy("meter error", "The value is too large.")
    NOT_A_VALUE = "not_a_value", pgettext_lazy("meter error", "The value is a list or an object.")
    BEFORE_METER = (
        "before_meter",
        pgettext_lazy("meter error", "The event is older than the meter."),
    )


class AlertKind(TextChoices):
    """What runs low."""

    QUOTA = "quota", pgettext_lazy("usage alert", "quota")
    SPEND_CAP = "spend_cap", pgettext_lazy("usage alert", "spend cap")


class AnomalyKind(TextChoices):
    """How an hour is unlike its weekday."""

    SPIKE = "spike", pgettext_lazy("anomaly", "unusually many calls")
    DROP = "drop", pgettext_lazy("anomaly", "unusually few calls")
    ERRORS = "errors", pgettext_lazy("anomaly", "unusually many failures")


class Sensitivity(TextChoices):
    """How much difference is told."""

    OFF = "off", pgettext_lazy("sensitivity", "off")
    LOW = "low", pgettext_lazy("sensitivity", "low")
    NORMAL = "normal", pgettext_lazy("sensitivity", "normal")
    HIGH = "high", pgettext_lazy("sensitivity", "high")


class BudgetPeriod(TextChoices):
    """Over what a budget runs."""

    CALENDAR_MONTH = "calendar_month", pgettext_lazy("budget", "calendar month")
    BILLING_PERIOD = "billing_period", pgettext_lazy("budget", "billing period")


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


class TotalSplit(TextChoices):
    """What totals of a day are told apart by, beyond what all totals of a side are; nobody sees these words."""

    KEY = "key"
    ENDPOINT = "endpoint"
    STATUS = "status"
    CONSUMER = "consumer"
    COUNTRY = "country"


class ExportSide(TextChoices):
    """Whose fields an export shows."""

    CONSUMER = "consumer", pgettext_lazy("usage export", "Your own calls")
    PROVIDER = "provider", pgettext_lazy("usage export", "Calls of your APIs")
    OPERATOR = "operator", pgettext_lazy("usage export", "Everything")


class ExportSubject(TextChoices):
    """What an export lists."""

    CALLS = "calls", pgettext_lazy("usage export", "Single calls")
    WINDOWS = "windows", pgettext_lazy("usage export", "Windows (hourly quantities)")
    SERIES = "series", pgettext_lazy("usage export", "Calls over time")


class ExportFormat(TextChoices):
    """How an export is written; the value is the file's ending."""

    CSV = "csv", "CSV"
    NDJSON = "ndjson", "JSON (NDJSON)"
    PARQUET = "parquet", "Parquet"


class ExportStatus(TextChoices):
    """Where an export stands."""

    QUEUED = "queued", pgettext_lazy("usage export", "queued")
    RUNNING = "running", pgettext_lazy("usage export", "running")
    READY = "ready", pgettext_lazy("usage export", "ready")
    FAILED = "failed", pgettext_lazy("usage export", "failed")
    CANCELLED = "cancelled", pgettext_lazy("usage export", "cancelled")
    EXPIRED = "expired", pgettext_lazy("usage export", "expired")


class LateResolution(TextChoices):
    """What became of an event that came behind its window's watermark."""

    OPEN = "open", pgettext_lazy("late event", "open")
    REVISED = "revised", pgettext_lazy("late event", "window revised")
    SETTLED = "settled", pgettext_lazy("late event", "settled")
    WAIVED = "waived", pgettext_lazy("late event", "waived")


# No window holds these.
NOT_IN_WINDOWS = (LateResolution.OPEN, LateResolution.WAIVED)


class RewindStatus(TextChoices):
    """Where a rewind stands."""

    WAITING = "waiting", pgettext_lazy("rewind", "waiting")
    RUNNING = "running", pgettext_lazy("rewind", "running")
    SUCCEEDED = "succeeded", pgettext_lazy("rewind", "succeeded")
    FAILED = "failed", pgettext_lazy("rewind", "failed")


class DifferenceState(TextChoices):
    """What was done about a window that differs from its events."""

    FOUND = "found", pgettext_lazy("window difference", "only shown")
    REVISED = "revised", pgettext_lazy("window difference", "window revised")
    OPEN = "open", pgettext_lazy("window difference", "waits for billing")
    REPLACED = "replaced", pgettext_lazy("window difference", "replaced by a later rewind")
    SETTLED = "settled", pgettext_lazy("window difference", "settled")


class ArchiveStatus(TextChoices):
    """Where a month of calls lies."""

    WRITTEN = "written", pgettext_lazy("archive", "written")
    VERIFIED = "verified", pgettext_lazy("archive", "verified")
    ONLY_COPY = "only_copy", pgettext_lazy("archive", "only copy")
    REMOVED = "removed", pgettext_lazy("archive", "removed")
