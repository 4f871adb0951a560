"""Business metrics for Prometheus, read from the database when `/metrics` is scraped.

An app adds its own with `@business_gauges`: a function that yields `Gauge` values, a few indexed counts at most. Request
and process metrics come from django-prometheus.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from django.db.models import Count, Min
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    generate_latest,
    multiprocess,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from apps.core import clock
from apps.core.enums import OutboxStatus
from apps.core.health import queue_lengths
from apps.core.models import DeadLetter, OutboxMessage, ProcessHeartbeat

__all__ = ("CONTENT_TYPE_LATEST", "Gauge", "business_gauges", "render_metrics")


@dataclass(frozen=True, slots=True)
class Gauge:
    """One value; values of the same name share help text and label names."""

    name: str
    help: str
    value: float
    labels: dict[str, str] = field(default_factory=dict)


Provider = Callable[[], Iterable[Gauge]]
_providers: dict[str, Provider] = {}


def business_gauges(provider: Provider) -> Provider:
    """Register a function whose values every scrape reads."""
    _providers[f"{provider.__module__}.{provider.__qualname__}"] = provider
    return provider


class BusinessCollector(Collector):
    """Asks the registered functions at each scrape."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield one family per name."""
        families: dict[str, GaugeMetricFamily] = {}
        for provider in _providers.values():
            for gauge in provider():
                if gauge.name not in families:
                    families[gauge.name] = GaugeMetricFamily(
                        gauge.name, gauge.help, labels=list(gauge.labels)
                    )
                families[gauge.name].add_metric(list(gauge.labels.values()), gauge.value)
        yield from families.values()


def render_metrics() -> bytes:
    """Return every metric in Prometheus' text format, of all web processes where they share a folder."""
    business = CollectorRegistry()
    business.register(BusinessCollector())
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        processes = CollectorRegistry()
        multiprocess.MultiProcessCollector(processes)  # type: ignore[no-untyped-call]  # the package's
    else:
        processes = REGISTRY
    return generate_latest(processes) + generate_latest(business)


@business_gauges
def outbox_gauges() -> Iterator[Gauge]:
    """How much waits in the outbox, and for how long."""
    waiting = OutboxMessage.objects.filter(status=OutboxStatus.PENDING).aggregate(
        count=Count("id"), oldest=Min("created_at")
    )
    age_s = (clock.now() - waiting["oldest"]).total_seconds() if waiting["oldest"] else 0.0
    yield Gauge("tollgate_outbox_pending", "Outbox messages not delivered yet", waiting["count"])
    yield Gauge("tollgate_outbox_oldest_seconds", "Age of the oldest undelivered message", age_s)


@business_gauges
def dead_letter_gauges() -> Iterator[Gauge]:
    """How much work has failed for good and waits for a person, by source."""
    rows = DeadLetter.objects.filter(resolved_at=None).values("source").annotate(count=Count("id"))
    for row in rows:
        yield Gauge(
            "tollgate_dead_letters", "Open dead letters", row["count"], {"source": row["source"]}
        )


@business_gauges
def queue_gauges() -> Iterator[Gauge]:
    """How many jobs wait for a worker; nothing while the broker is away, which is no queue of length zero."""
    for name, waiting in queue_lengths().items():
        yield Gauge(
            "tollgate_queue_waiting", "Jobs that wait for a worker", waiting, {"queue": name}
        )


@business_gauges
def heartbeat_gauges() -> Iterator[Gauge]:
    """When each long-running process was last alive."""
    now = clock.now()
    for heartbeat in ProcessHeartbeat.objects.order_by("name"):
        yield Gauge(
            "tollgate_process_heartbeat_age_seconds",
            "Seconds since the process was last alive",
            (now - heartbeat.seen_at).total_seconds(),
            {"process": heartbeat.name},
        )
