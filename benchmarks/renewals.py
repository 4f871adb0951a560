"""Renewing subscriptions: each period that is over is closed, rated and put on a draft, and the next one opens.

Every subscription has a month that ended an hour ago, with two hours of usage in it. Five of one consumer; ten APIs with a plan each. Measured twice,
with twice as many the second time, and against what the same rows cost when they are merely inserted.

Two processes share the work, as the two of a production worker do (`WORKER_CONCURRENCY`). The invoices are issued within the measured
time. Beside the time on the clock it says the seconds of processor, which a busy machine does not change.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.results import Measure
from benchmarks.servers import durable_servers

SMALL: Final = 10_000
PER_CONSUMER: Final = 5
APIS: Final = 10
WORKERS: Final = 2
LIMIT_S: Final = 60.0
GROWTH_LIMIT: Final = 2.2


def measure(small: int = SMALL) -> list[Measure]:
    """Renew so many subscriptions, then twice as many."""
    with durable_servers():
        return _run(small)


def _run(small: int) -> list[Measure]:
    prices = _prices()
    first, bare_s = _renew(small, prices), _insert_bare(small)
    second = _renew(2 * small, prices)
    return [
        Measure(
            f"renewing {small:,} subscriptions",
            first.took_s,
            "s",
            at_most=LIMIT_S * small / SMALL,
            note=f"{first.note}; their rows merely inserted: {bare_s:.1f} s",
        ),
        Measure(
            "twice as many",
            second.took_s / first.took_s,
            "times as long",
            at_most=GROWTH_LIMIT,
            note=second.note,
        ),
        Measure(
            "processor of twice as many",
            second.cpu_s / first.cpu_s,
            "times as much",
            at_most=GROWTH_LIMIT,
        ),
    ]


@dataclass(frozen=True)
class Renewed:
    """How long a renewal of so many took: on the clock, on the workers' processors, and on PostgreSQL's."""

    count: int
    took_s: float
    workers_cpu_s: float
    postgres_cpu_s: float

    @property
    def cpu_s(self) -> float:
        """Seconds of processor in all."""
        return self.workers_cpu_s + self.postgres_cpu_s

    @property
    def note(self) -> str:
        """Say what one renewal costs."""
        each_ms = 1000 / self.count
        return (
            f"{self.took_s:.1f} s, each {self.took_s * each_ms:.1f} ms; of processor"
            f" {self.workers_cpu_s * each_ms:.1f} ms in {WORKERS} workers and"
            f" {self.postgres_cpu_s * each_ms:.1f} ms in PostgreSQL; load {os.getloadavg()[0]:.1f}"
        )


def _prices() -> list[Any]:
    """Make the plans that are subscribed to."""
    from tests.factories.pricing import make_plan  # noqa: PLC0415 -- after django.setup()

    return [make_plan() for _number in range(APIS)]


def _renew(count: int, plans: list[Any]) -> Renewed:
    """Make subscriptions whose month is over, and renew them."""
    from apps.billing.enums import PeriodStatus  # noqa: PLC0415 -- after django.setup()
    from apps.billing.models import BillingPeriod  # noqa: PLC0415 -- see above

    _subscribe(count, plans)
    with ExitStack() as stack:
        workers = [stack.enter_context(_worker()) for _number in range(WORKERS)]
        for worker in workers:
            _read(worker)
        before_s, began = _postgres_cpu_s(), time.perf_counter()
        for worker in workers:
            _write(worker)
        answers = [json.loads(_read(worker)) for worker in workers]
        took_s, postgres_s = time.perf_counter() - began, _postgres_cpu_s() - before_s
    closed = sum(answer["closed"] for answer in answers)
    if closed != count:
        raise RuntimeError(f"{closed} of {count} were closed: {answers}")
    opened = BillingPeriod.objects.filter(status=PeriodStatus.OPEN, number=1).count()
    if opened < count:
        raise RuntimeError(f"only {opened} of {count} have another period")
    return Renewed(count, took_s, sum(answer["cpu_s"] for answer in answers), postgres_s)


@contextmanager
def _worker() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "benchmarks.renewal_worker"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        # The end of its input ends it.


def _read(worker: subprocess.Popen[str]) -> str:
    assert worker.stdout is not None  # noqa: S101 -- for the type checker
    line = worker.stdout.readline()
    if not line:
        raise RuntimeError("a worker died")
    return line


def _write(worker: subprocess.Popen[str]) -> None:
    assert worker.stdin is not None  # noqa: S101 -- for the type checker
    worker.stdin.write("go\n")
    worker.stdin.flush()


def _postgres_cpu_s() -> float:
    """Return the seconds of processor of our PostgreSQL, all its processes together."""
    from django.db import connection  # noqa: PLC0415 -- after django.setup()

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (own,) = cursor.fetchone()
    server = _stat(own).parent
    stats = [_stat(int(path.name)) for path in Path("/proc").iterdir() if path.name.isdigit()]
    ticks = sum(each.own for each in stats if each.parent == server)
    whole = _stat(server)
    return (ticks + whole.own + whole.ended) / os.sysconf("SC_CLK_TCK")


class _Stat(NamedTuple):
    """Of a process: its parent, and ticks of processor of its own and of children that have ended."""

    parent: int
    own: int
    ended: int


def _stat(pid: int) -> _Stat:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return _Stat(0, 0, 0)  # it has just ended
    fields = text.rpartition(")")[2].split()
    return _Stat(
        int(fields[1]), int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])
    )


def _subscribe(count: int, plans: list[Any]) -> None:
    from apps.accounts.models import Organization, Workspace  # noqa: PLC0415 -- after django.setup()
    from apps.billing.models import BillingPeriod  # noqa: PLC0415 -- see above
    from apps.core import clock  # noqa: PLC0415 -- see above
    from apps.subscriptions.calendar import numbered_period  # noqa: PLC0415 -- see above
    from apps.subscriptions.models import Subscription  # noqa: PLC0415 -- see above
    from apps.usage.models import UsageWindow  # noqa: PLC0415 -- see above

    mark = f"{count}-{time.time_ns()}"
    now = clock.now()
    start = _a_month_before(now)
    consumers = Organization.objects.bulk_create(
        Organization(name=f"C {number}", slug=f"c-{mark}-{number}")
        for number in range(count // PER_CONSUMER)
    )
    spaces = Workspace.objects.bulk_create(
        Workspace(organization=row, name="Default", slug="default", is_default=True)
        for row in consumers
    )
    rows = Subscription.objects.bulk_create(
        (
            _subscription(spaces[number // PER_CONSUMER], plans[number % APIS], start)
            for number in range(count)
        ),
        batch_size=2_000,
    )
    periods, windows = [], []
    for row in rows:
        span = numbered_period(row, 0)
        periods.append(
            BillingPeriod(
                subscription=row,
                number=0,
                price_version_id=row.price_version_id,
                consumer_organization_id=row.consumer_organization_id,
                provider_organization_id=row.provider_organization_id,
                period_start=span.start,
                period_end=span.end,
            )
        )
        windows += [
            UsageWindow(
                consumer_organization_id=row.consumer_organization_id,
                provider_organization_id=row.provider_organization_id,
                subscription=row,
                api_id=row.api_id,
                meter="calls",
                window_start=span.start + timedelta(hours=hour),
                window_end=span.start + timedelta(hours=hour + 1),
                quantity=2_000,
                event_count=2_000,
            )
            for hour in (24, 48)
        ]
    BillingPeriod.objects.bulk_create(periods, batch_size=2_000)
    UsageWindow.objects.bulk_create(windows, batch_size=2_000)


def _a_month_before(now: Any) -> Any:
    from apps.subscriptions.periods import add_months, start_of_day  # noqa: PLC0415 -- after django.setup()

    return start_of_day(add_months(now.date(), -1), "UTC")


def _subscription(space: Any, plan: Any, start: Any) -> Any:
    from apps.subscriptions.enums import SubscriptionStatus  # noqa: PLC0415 -- after django.setup()
    from apps.subscriptions.models import Subscription  # noqa: PLC0415 -- see above

    return Subscription(
        consumer_organization_id=space.organization_id,
        provider_organization_id=plan.organization_id,
        workspace=space,
        api_id=plan.api_id,
        plan=plan,
        price_version=plan.versions.get(is_current=True),
        status=SubscriptionStatus.ACTIVE,
        anchor=start,
        started_at=start,
        timezone="UTC",
    )


def _insert_bare(count: int) -> float:
    """Return how long the rows of that many renewals take when they are only inserted, one transaction each."""
    from django.db import connection, transaction  # noqa: PLC0415 -- after django.setup()

    tables = (
        "billing_billingperiod",
        "billing_ratingrun",
        "billing_ratedcharge",
        "billing_ratedcharge",
        "billing_invoiceline",
        "billing_invoiceline",
        "core_auditevent",
        "core_auditevent",
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE bare_renewal (id uuid PRIMARY KEY, what text, body text, at timestamptz)"
        )
        began = time.perf_counter()
        for _number in range(count):
            with transaction.atomic():
                for table in tables:
                    cursor.execute(
                        "INSERT INTO bare_renewal VALUES (gen_random_uuid(), %s, repeat('x', 200), now())",
                        [table],
                    )
        took_s = time.perf_counter() - began
        cursor.execute("DROP TABLE bare_renewal")
    return took_s
