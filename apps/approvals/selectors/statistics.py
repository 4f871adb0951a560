"""How the back office does, computed from the requests themselves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db.models import (
    Aggregate,
    Avg,
    Count,
    DurationField,
    ExpressionWrapper,
    F,
    Q,
    QuerySet,
)
from django.db.models.functions import TruncDate

from apps.approvals.enums import ApprovalStatus, Priority
from apps.approvals.models import ApprovalRequest

DECIDED: Final = (ApprovalStatus.APPROVED, ApprovalStatus.REJECTED)
HOUR: Final = timedelta(hours=1)
HUNDREDTH: Final = Decimal("0.01")
DAY: Final = timedelta(days=1)


class Percentile(Aggregate):
    """PostgreSQL's `percentile_cont`: the value below which a share of the rows lies, interpolated."""

    function = "percentile_cont"
    name = "Percentile"
    template = "%(function)s(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    allow_distinct = False

    def __init__(self, expression: Any, *, share: Decimal, **extra: Any) -> None:
        """Keep the share, between 0 and 1."""
        super().__init__(expression, share=share, output_field=DurationField(), **extra)


@dataclass(frozen=True, slots=True)
class Durations:
    """Hours of the wall clock, to the hundredth; None where nothing was decided."""

    mean_hours: Decimal | None
    median_hours: Decimal | None
    p90_hours: Decimal | None


@dataclass(frozen=True, slots=True)
class DayThroughput:
    """How many requests came and how many were decided on a day of UTC."""

    day: date
    requested: int
    decided: int


@dataclass(frozen=True, slots=True)
class ApprovalStatistics:
    """What was asked in a range of time, and what was decided in it.

    `by_…` count the requests made in the range, as they stand now. Everything about decisions looks at requests that were
    approved or rejected in the range, whenever they were made.
    """

    since: datetime
    until: datetime
    requested: int
    by_status: dict[str, int]
    by_subject_type: dict[str, int]
    by_priority: dict[str, int]
    decided: int
    decided_in_time: int
    to_decision: Durations
    median_response_hours: Decimal | None
    days: tuple[DayThroughput, ...]

    @property
    def sla_compliance(self) -> Decimal | None:
        """The share of decisions that met their deadline, in percent; None without decisions."""
        if not self.decided:
            return None
        return (Decimal(100) * self.decided_in_time / self.decided).quantize(HUNDREDTH)


def approval_statistics(
    *, since: datetime, until: datetime, subject_type: str = ""
) -> ApprovalStatistics:
    """Compute the figures of a half-open range of time, of one subject type or of all.

    An empty or reversed range has zeros and no durations.
    """
    rows = ApprovalRequest.objects.all()
    if subject_type:
        rows = rows.filter(subject_type=subject_type)
    requested = rows.filter(created_at__gte=since, created_at__lt=until)
    decided = rows.filter(status__in=DECIDED, decided_at__gte=since, decided_at__lt=until)
    taken = ExpressionWrapper(F("decided_at") - F("created_at"), output_field=DurationField())
    figures = decided.aggregate(
        count=Count("pk"),
        in_time=Count("pk", filter=Q(decided_at__lte=F("due_at"))),
        mean=Avg(taken),
        median=Percentile(taken, share=Decimal("0.5")),
        p90=Percentile(taken, share=Decimal("0.9")),
    )
    response = ExpressionWrapper(
        F("first_response_at") - F("created_at"), output_field=DurationField()
    )
    answered = rows.filter(first_response_at__gte=since, first_response_at__lt=until)
    median_response = answered.aggregate(median=Percentile(response, share=Decimal("0.5")))
    by_status = _counts(requested, "status")
    return ApprovalStatistics(
        since=since,
        until=until,
        requested=sum(by_status.values()),
        by_status={str(status): by_status.get(str(status), 0) for status in ApprovalStatus},
        by_subject_type=_counts(requested, "subject_type"),
        by_priority=_with_all_priorities(_counts(requested, "priority")),
        decided=figures["count"],
        decided_in_time=figures["in_time"],
        to_decision=Durations(
            _hours(figures["mean"]), _hours(figures["median"]), _hours(figures["p90"])
        ),
        median_response_hours=_hours(median_response["median"]),
        days=_throughput(requested, decided, since, until),
    )


def _counts(rows: QuerySet[ApprovalRequest], name: str) -> dict[str, int]:
    pairs = rows.order_by(name).values_list(name).annotate(count=Count("pk"))
    return dict(pairs)


def _with_all_priorities(counts: dict[str, int]) -> dict[str, int]:
    return {str(priority): counts.get(str(priority), 0) for priority in Priority}


def _throughput(
    requested: QuerySet[ApprovalRequest],
    decided: QuerySet[ApprovalRequest],
    since: datetime,
    until: datetime,
) -> tuple[DayThroughput, ...]:
    """Return every day of the range, days without anything included."""
    if until <= since:
        return ()
    came = _per_day(requested, "created_at")
    went = _per_day(decided, "decided_at")
    first = since.astimezone(UTC).date()
    last = (until.astimezone(UTC) - timedelta(microseconds=1)).date()
    days = (first + DAY * index for index in range((last - first).days + 1))
    return tuple(DayThroughput(day, came.get(day, 0), went.get(day, 0)) for day in days)


def _per_day(rows: QuerySet[ApprovalRequest], name: str) -> dict[date, int]:
    day = TruncDate(name, tzinfo=UTC)
    return dict(rows.order_by().values_list(day).annotate(count=Count("pk")))


def _hours(duration: timedelta | None) -> Decimal | None:
    if duration is None:
        return None
    return (
        Decimal(duration // timedelta(microseconds=1)) / (HOUR // timedelta(microseconds=1))
    ).quantize(HUNDREDTH)
