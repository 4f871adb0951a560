"""How an upstream has been: uptime, latency by day, incidents. What the health pages show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from django.db.models import QuerySet, Sum

from apps.apis.enums import CircuitState
from apps.apis.models import Api, HealthCheck, HealthDay, HealthIncident, UpstreamHealth
from apps.core import clock

SHOWN_DAYS: Final = 30
SHOWN_INCIDENTS: Final = 20
PERCENT: Final = Decimal(100)
TWO_PLACES: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class DayOfHealth:
    """One day: `uptime` in percent, None where nothing was probed."""

    day: date
    checks: int
    uptime: Decimal | None
    latency_p50_ms: int | None
    latency_p95_ms: int | None

    @property
    def tone(self) -> str:
        """How the day is coloured."""
        if self.uptime is None:
            return "none"
        if self.uptime == PERCENT:
            return "ok"
        return "warn" if self.uptime >= Decimal(99) else "bad"


@dataclass(frozen=True, slots=True)
class HealthHistory:
    """What is known about an upstream over the last thirty days."""

    circuit: CircuitState
    circuit_changed_at: datetime | None
    last_check: HealthCheck | None
    uptime: Decimal | None
    days: list[DayOfHealth]
    incidents: list[HealthIncident]
    incident_count: int


def health_history(api: Api) -> HealthHistory:
    """Return thirty days of an API's health, the oldest first; days without probes are kept as gaps."""
    health = UpstreamHealth.objects.filter(pk=api.pk).first()
    days = list_days(api)
    return HealthHistory(
        circuit=CircuitState(health.circuit) if health else CircuitState.CLOSED,
        circuit_changed_at=health.circuit_changed_at if health else None,
        last_check=api.health_checks.filter(url=api.health_url).first(),
        uptime=uptime_of(api),
        days=days,
        incidents=list(api.health_incidents.all()[:SHOWN_INCIDENTS]),
        incident_count=_count_incidents(api),
    )


def list_days(api: Api, *, count: int = SHOWN_DAYS) -> list[DayOfHealth]:
    """Return the last days of an API's health, the oldest first."""
    today = clock.now().date()
    first = today - timedelta(days=count - 1)
    found = {row.day: row for row in HealthDay.objects.filter(api=api, day__gte=first)}
    return [_day(first + timedelta(days=n), found) for n in range(count)]


def uptime_of(api: Api, *, count: int = SHOWN_DAYS) -> Decimal | None:
    """Return the share of probes that succeeded in the last days, in percent; None without probes."""
    since = clock.now().date() - timedelta(days=count - 1)
    sums = HealthDay.objects.filter(api=api, day__gte=since).aggregate(
        checks=Sum("check_count"), healthy=Sum("healthy_count")
    )
    return _share(sums["healthy"] or 0, sums["checks"] or 0)


def _count_incidents(api: Api) -> int:
    since = clock.now() - timedelta(days=SHOWN_DAYS)
    return api.health_incidents.filter(started_at__gte=since).count()


def list_checks(api: Api) -> QuerySet[HealthCheck]:
    """Return the single probes that are kept, newest first."""
    return api.health_checks.order_by("-checked_at", "-id")


def _day(day: date, found: dict[date, HealthDay]) -> DayOfHealth:
    row = found.get(day)
    if row is None:
        return DayOfHealth(day, 0, None, None, None)
    return DayOfHealth(
        day,
        row.check_count,
        _share(row.healthy_count, row.check_count),
        row.latency_p50_ms,
        row.latency_p95_ms,
    )


def _share(healthy: int, checks: int) -> Decimal | None:
    return (PERCENT * healthy / checks).quantize(TWO_PLACES) if checks else None
