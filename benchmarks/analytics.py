"""Analytics pages of 30 days over ten million calls: from single calls to rollups, then each page as a browser asks for it.

One consumer calls five APIs of one provider by ten keys: twenty endpoints each and five statuses, over the 60 days that the
pages compare. So the consumer, the provider and the operator all look at every call. `BENCH_EVENTS` sets another number.

The time that a page takes is measured, and beside it the processor's time that it takes here and in PostgreSQL, which a
busy machine does not change much.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, Final

from benchmarks.page_times import time_pages
from benchmarks.results import Measure
from benchmarks.servers import durable_servers

if TYPE_CHECKING:
    from apps.accounts.models import Membership
    from apps.keys.models import ApiKey

EVENTS: Final = int(os.environ.get("BENCH_EVENTS", "10000000"))
SUBSCRIPTIONS: Final = 5
ENDPOINTS: Final = 20
DAYS: Final = 60
DAYS_AT_ONCE: Final = 5
PERIOD_DAYS: Final = 20
LIMIT_MS: Final = 100.0
_SEED: Final = """
    INSERT INTO usage_usageevent (event_id, occurred_at, decided_at, stored_at, batch_id, source,
        consumer_organization_id, provider_organization_id, subscription_id, key_id, api_id, method, path, status,
        latency_ms, request_bytes, response_bytes, request_id, outcome, is_billable, properties)
    SELECT uuidv7(moment - now()), moment, moment, moment, %(batch)s, 'gateway', %(consumer)s, %(provider)s,
        key.subscription, key.key, key.api, 'GET', '/v1/things' || floor(random() * %(endpoints)s)::int || '/latest',
        (ARRAY[200, 200, 200, 200, 301, 404, 429, 503])[1 + floor(random() * 8)::int],
        (10 + 40 / (0.02 + random()))::int, 200, 2000, '', 'completed', true, '{}'
    FROM (
        SELECT now() - make_interval(secs => (%(total)s - n + 0.5) * 86400 * %(days)s / %(total)s) AS moment,
            1 + n %% %(count)s AS number
        FROM generate_series(%(first)s, %(last)s) AS n
    ) call
    JOIN unnest(%(keys)s::uuid[], %(subscriptions)s::uuid[], %(apis)s::uuid[])
        WITH ORDINALITY AS key (key, subscription, api, number) USING (number)
"""
_MARK: Final = """
    INSERT INTO usage_rollupmark (subscription_id, hour)
    SELECT subscription_id, hour FROM unnest(%(subscriptions)s::uuid[]) AS subscription_id,
        generate_series(date_trunc('hour', now(), 'UTC') - make_interval(days => %(from)s),
            date_trunc('hour', now(), 'UTC') - make_interval(days => %(to)s) - interval '1 second', interval '1 hour') AS hour
"""
# What the processors would have counted: the costs on the page are made of it.
_WINDOWS: Final = """
    INSERT INTO usage_usagewindow (id, created_at, updated_at, consumer_organization_id, provider_organization_id,
        subscription_id, api_id, meter, window_start, window_end, quantity, event_count, error_count, revision, status)
    SELECT uuidv7(), now(), now(), consumer_organization_id, provider_organization_id, subscription_id, api_id, 'calls',
        slot_start, slot_start + interval '1 hour', sum(billable), sum(calls),
        COALESCE(sum(calls) FILTER (WHERE status >= 400), 0), 1,
        'open'
    FROM usage_usagehour GROUP BY consumer_organization_id, provider_organization_id, subscription_id, api_id, slot_start
"""


def measure() -> list[Measure]:
    """Store the calls, add them up, and open the pages."""
    with durable_servers():
        return _run()


def _run() -> list[Measure]:
    # Models can be imported only now.
    from benchmarks.stored_calls import tell  # noqa: PLC0415 -- after django.setup()

    member, keys = _prepare()
    seeding_s = _seed(keys)
    rolling_s = _roll_up(keys)
    rows = _rows()
    tell(rows)
    note = f"stored within {seeding_s:,.0f} s; {rows}"
    return [
        Measure(f"adding up {EVENTS:,} calls", EVENTS / rolling_s, "calls/s", note=note),
        *_pages(member, keys[0]),
    ]


def _prepare() -> tuple[Membership, list[ApiKey]]:
    """Make a consumer with subscriptions to documented APIs of one provider, and two keys of each."""
    from apps.apis.enums import VersionStatus  # noqa: PLC0415 -- after django.setup()
    from apps.apis.models import ApiVersion  # noqa: PLC0415 -- see above
    from apps.core.partitions import ensure_monthly_partitions  # noqa: PLC0415 -- see above
    from tests.factories.accounts import OrganizationFactory, make_member  # noqa: PLC0415 -- see above
    from tests.factories.apis import make_api  # noqa: PLC0415 -- see above
    from tests.factories.keys import make_key  # noqa: PLC0415 -- see above
    from tests.factories.pricing import make_plan  # noqa: PLC0415 -- see above
    from tests.factories.subscriptions import make_subscription  # noqa: PLC0415 -- see above

    ensure_monthly_partitions("usage_usageevent", months_back=DAYS // 30)
    member, provider = make_member("owner"), OrganizationFactory()
    keys: list[ApiKey] = []
    for _number in range(SUBSCRIPTIONS):
        plan = make_plan(make_api(organization=provider))
        subscription = make_subscription(plan=plan, consumer=member.organization)
        keys += [make_key(subscription).key, make_key(subscription).key]
        version = ApiVersion.objects.create(
            api=subscription.api, name="v1", status=VersionStatus.PUBLISHED
        )
        for number in range(ENDPOINTS):
            version.endpoints.create(method="GET", path=f"/v1/things{number}/{{id}}")
    return member, keys


def _seed(keys: list[ApiKey]) -> float:
    from apps.core.ids import uuid7  # noqa: PLC0415 -- after django.setup()
    from benchmarks.stored_calls import store, tidy  # noqa: PLC0415 -- see above

    rows = [key.subscription for key in keys]
    values: dict[str, Any] = {
        "batch": uuid7(),
        "consumer": rows[0].consumer_organization_id,
        "provider": rows[0].provider_organization_id,
        "endpoints": ENDPOINTS,
        "days": DAYS,
        "total": EVENTS,
        "count": len(keys),
        "keys": [key.pk for key in keys],
        "subscriptions": [row.pk for row in rows],
        "apis": [row.api_id for row in rows],
    }
    taken = store(_SEED, lambda _chunk: values, EVENTS)
    tidy(["usage_usageevent"])
    return taken


def _roll_up(keys: list[ApiKey]) -> float:
    """Add up some days at a time, as the job does that runs every minute; return the seconds."""
    from django.db import connection  # noqa: PLC0415 -- after django.setup()

    from apps.usage.services import roll_up  # noqa: PLC0415 -- see above
    from benchmarks.stored_calls import tell, tidy  # noqa: PLC0415 -- see above

    subscriptions = list({key.subscription_id for key in keys})
    taken = 0.0
    # The first hour of all and the one that runs are not whole.
    for days in range(DAYS + 1, -1, -DAYS_AT_ONCE):
        with connection.cursor() as cursor:
            span = {"from": days, "to": max(days - DAYS_AT_ONCE, -1)}
            cursor.execute(_MARK, {"subscriptions": subscriptions, **span})
        began = time.perf_counter()
        roll_up()
        taken += time.perf_counter() - began
        tell(f"added up until {span['to']} days ago within {taken:,.0f} s")
    with connection.cursor() as cursor:
        cursor.execute(_WINDOWS)
        _start_earlier(cursor)
    tidy(["usage_usagehour", "usage_usageday", "usage_usagedaytotal", "usage_usagewindow"])
    return taken


def _start_earlier(cursor: Any) -> None:
    """Have the billing periods that run hold some weeks of the calls."""
    span = [PERIOD_DAYS, PERIOD_DAYS]
    cursor.execute(
        "UPDATE billing_billingperiod SET period_start = period_start - make_interval(days => %s),"
        " period_end = period_end - make_interval(days => %s) WHERE status = 'open'",
        span,
    )


def _rows() -> str:
    """Say how many rows the pages are read from."""
    from django.db.models import Sum  # noqa: PLC0415 -- after django.setup()

    from apps.usage.models import (  # noqa: PLC0415 -- see above
        UsageDay,
        UsageDayTotal,
        UsageEvent,
        UsageHour,
    )

    calls = UsageHour.objects.aggregate(calls=Sum("calls"))["calls"]
    if calls != UsageEvent.objects.count():
        msg = f"{calls:,} calls added up of {UsageEvent.objects.count():,}"
        raise RuntimeError(msg)
    counts = [model.objects.count() for model in (UsageHour, UsageDay, UsageDayTotal)]
    return "{:,} rows of hours, {:,} of days, {:,} totals".format(*counts)


def _pages(member: Membership, key: ApiKey) -> list[Measure]:
    from tests.clients import api_client, client_for  # noqa: PLC0415 -- after django.setup()
    from tests.factories.accounts import make_member, make_staff  # noqa: PLC0415 -- see above

    provider = make_member("owner", organization=key.subscription.provider_organization)
    operator = make_staff("operator")
    consumer_page, rest = client_for(member), api_client(member)
    provider_page, operator_page = client_for(provider), client_for(operator)
    usage, analytics = "/console/usage/?period=", "/api/v1/analytics/usage"
    return time_pages(
        [
            ("usage page of 30 days", consumer_page, f"{usage}30d", LIMIT_MS),
            ("… of one key", consumer_page, f"{usage}30d&key_id={key.public_id}", LIMIT_MS),
            ("… of one status", consumer_page, f"{usage}30d&status=200", None),
            ("… of 90 days", consumer_page, f"{usage}90d", None),
            ("usage page of 24 hours", consumer_page, f"{usage}24h", None),
            ("usage of 30 days over REST", rest, f"{analytics}?period=30d", LIMIT_MS),
            (
                "… by endpoint",
                rest,
                f"{analytics}/groups?period=30d&group_by=endpoint",
                LIMIT_MS,
            ),
            ("provider's page", provider_page, "/console/provider/usage/?period=30d", LIMIT_MS),
            ("provider's overview", provider_page, "/console/provider/?period=30d", LIMIT_MS),
            ("operator's page", operator_page, "/backoffice/usage/usagehour/?period=30d", LIMIT_MS),
        ]
    )
