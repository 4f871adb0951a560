"""Renewing subscriptions: each period that is over is closed, rated and put on a draft, and the next one opens.

Every subscription has a month that ended an hour ago, with two hours of usage in it. Five of one consumer; ten APIs with a plan each. Measured twice,
with twice as many the second time, and against what the same rows cost when they are merely inserted.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any, Final

from benchmarks.results import Measure
from benchmarks.servers import durable_servers

SMALL: Final = 10_000
PER_CONSUMER: Final = 5
APIS: Final = 10
LIMIT_S: Final = 60.0
GROWTH_LIMIT: Final = 2.2


def measure(small: int = SMALL) -> list[Measure]:
    """Renew so many subscriptions, then twice as many."""
    with durable_servers():
        return _run(small)


def _run(small: int) -> list[Measure]:
    prices = _prices()
    first_s, bare_s = _renew(small, prices), _insert_bare(small)
    second_s = _renew(2 * small, prices)
    return [
        Measure(
            f"renewing {small:,} subscriptions",
            first_s,
            "s",
            at_most=LIMIT_S * small / SMALL,
            note=f"{1000 * first_s / small:.1f} ms each; their rows merely inserted: {bare_s:.1f} s,"
            f" {first_s / bare_s:.1f} times less",
        ),
        Measure(
            "twice as many",
            second_s / first_s,
            "times as long",
            at_most=GROWTH_LIMIT,
            note=f"{second_s:.0f} s",
        ),
    ]


def _prices() -> list[Any]:
    """Make the plans that are subscribed to."""
    from tests.factories.pricing import make_plan  # noqa: PLC0415 -- after django.setup()

    return [make_plan() for _number in range(APIS)]


def _renew(count: int, plans: list[Any]) -> float:
    """Make subscriptions whose month is over, and return how long their renewal takes."""
    from apps.billing.enums import PeriodStatus  # noqa: PLC0415 -- after django.setup()
    from apps.billing.models import BillingPeriod  # noqa: PLC0415 -- see above
    from apps.billing.services.periods import close_due_periods  # noqa: PLC0415 -- see above
    from apps.core.actors import Actor  # noqa: PLC0415 -- see above

    _subscribe(count, plans)
    began = time.perf_counter()
    counts = close_due_periods(actor=Actor.system("benchmark"))
    took_s = time.perf_counter() - began
    if counts["closed"] != count:
        raise RuntimeError(f"{counts['closed']} of {count} were closed: {counts}")
    opened = BillingPeriod.objects.filter(status=PeriodStatus.OPEN, number=1).count()
    if opened < count:
        raise RuntimeError(f"only {opened} of {count} have another period")
    return took_s


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
