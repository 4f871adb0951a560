"""The last minutes, read from the calls themselves: per ten seconds, in sum, and the newest ones.

The cost is bounded: at most `MAX_CALLS` of the newest calls are read, along an index.

Source: docs/domain/alerts.md §4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import Min, QuerySet

from apps.accounts.selectors import get_current_organization
from apps.core import clock
from apps.core.actors import Actor
from apps.core.clock import Period
from apps.usage.enums import BatchStatus
from apps.usage.models import UsageBatch, UsageEvent
from apps.usage.selectors.shippers import serving_shippers

SPAN: Final = timedelta(minutes=5)
STEP: Final = timedelta(seconds=10)
MAX_CALLS: Final = 20_000
NEWEST: Final = 15
ERROR_STATUS: Final = 400
EPOCH: Final = datetime(2020, 1, 1, tzinfo=UTC)
_SUM: Final = """
    SELECT step, count(*), count(*) FILTER (WHERE status >= %s),
        percentile_cont(0.95) WITHIN GROUP (ORDER BY latency_ms) FILTER (WHERE outcome = 'completed'),
        min(occurred_at), GROUPING(step)
    FROM (
        SELECT date_bin(%s::interval, occurred_at, %s) AS step, occurred_at, status, latency_ms, outcome
        FROM usage_usageevent
        WHERE {scope} AND occurred_at >= %s AND occurred_at < %s
        ORDER BY {order} DESC LIMIT %s
    ) recent
    GROUP BY GROUPING SETS ((step), ())
"""


@dataclass(frozen=True, slots=True)
class LiveStep:
    """Ten seconds: calls, failed ones (status 400 and above), and the 95th percentile of their latency."""

    at: datetime
    calls: int = 0
    errors: int = 0
    p95_ms: int | None = None


@dataclass(frozen=True, slots=True)
class LiveCalls:
    """The last minutes of an organization's calls, or of everybody's.

    `complete_until`: all calls before that moment are in it; both are real time. `read_from` is later than the span's
    start where there were more calls than are read.
    """

    period: Period
    steps: tuple[LiveStep, ...]
    total: LiveStep
    newest: tuple[UsageEvent, ...]
    as_of: datetime
    complete_until: datetime
    read_from: datetime

    @property
    def lag(self) -> timedelta:
        """How far behind the numbers are."""
        return max(timedelta(0), self.as_of - self.complete_until)

    @property
    def is_cut(self) -> bool:
        """Whether there were more calls than are read."""
        return self.read_from > self.period.start


def live_calls_of_consumer(actor: Actor) -> LiveCalls:
    """Return the last minutes of the calls that the actor's organization made. Five queries."""
    organization = get_current_organization(actor)
    scope = ("consumer_organization_id = %s", organization.pk)
    rows = UsageEvent.objects.filter(consumer_organization_id=organization.pk)
    return _live(scope, rows, clock.business_now(organization))


def live_calls_of_provider(actor: Actor) -> LiveCalls:
    """Return the last minutes of the calls that the organization's APIs answered. Five queries."""
    organization = get_current_organization(actor)
    scope = ("provider_organization_id = %s", organization.pk)
    rows = UsageEvent.objects.filter(provider_organization_id=organization.pk)
    return _live(scope, rows, clock.business_now(organization))


def live_calls_of_everybody() -> LiveCalls:
    """Return the last minutes of all calls of our gateway, whose ids are in the order of time. Four queries."""
    now = clock.now()
    oldest = UUID(int=int((now - SPAN).timestamp() * 1000) << 80)
    rows = UsageEvent.objects.filter(event_id__gte=oldest)
    return _live(("event_id >= %s", oldest), rows, now, order="event_id")


def _live(
    scope: tuple[str, UUID],
    rows: QuerySet[UsageEvent],
    now: datetime,
    *,
    order: str = "occurred_at",
) -> LiveCalls:
    end = EPOCH + ((now - EPOCH) // STEP + 1) * STEP
    period = Period(end - SPAN, end)
    found, total, read_from = _sums(scope, period, order)
    within = rows.filter(occurred_at__gte=period.start, occurred_at__lt=period.end)
    steps = [period.start + index * STEP for index in range(SPAN // STEP)]
    return LiveCalls(
        period=period,
        steps=tuple(found.get(at, LiveStep(at)) for at in steps),
        total=total,
        newest=tuple(within.order_by(f"-{order}")[:NEWEST]),
        as_of=clock.now(),
        complete_until=_complete_until(),
        read_from=read_from if total.calls >= MAX_CALLS else period.start,
    )


def _sums(
    scope: tuple[str, UUID], period: Period, order: str
) -> tuple[Mapping[datetime, LiveStep], LiveStep, datetime]:
    condition, key = scope
    with connection.cursor() as cursor:
        cursor.execute(
            _SUM.format(scope=condition, order=order),
            [
                ERROR_STATUS,
                f"{STEP.seconds} seconds",
                EPOCH,
                key,
                period.start,
                period.end,
                MAX_CALLS,
            ],
        )
        rows = cursor.fetchall()
    steps: dict[datetime, LiveStep] = {}
    total, read_from = LiveStep(period.start), period.start
    for at, calls, errors, p95, first, is_total in rows:
        step = LiveStep(at or period.start, calls, errors, _whole(p95))
        if is_total:
            total, read_from = step, first or period.start
        else:
            steps[at] = step
    return steps, total, read_from


def _complete_until() -> datetime:
    """Return the real time before which every call is shipped and processed. Two queries."""
    waiting = UsageBatch.objects.filter(
        status__in=(BatchStatus.PENDING, BatchStatus.FAILED), oldest_event_at__isnull=False
    ).aggregate(oldest=Min("oldest_event_at"))["oldest"]
    shipping = serving_shippers().aggregate(oldest=Min("oldest_unshipped_at"))["oldest"]
    return min(moment for moment in (waiting, shipping, clock.now()) if moment is not None)


def _whole(value: Any) -> int | None:
    return None if value is None else round(value)
