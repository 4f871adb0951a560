"""The usage page of 30 days over ten million calls: from single calls to rollups, then the page as a browser asks for it.

One consumer with five subscriptions, ten keys, twenty endpoints per API and five statuses, in the 60 days that the page compares.
"""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from benchmarks.results import Measure
from benchmarks.servers import durable_servers

if TYPE_CHECKING:
    from apps.accounts.models import Membership
    from apps.keys.models import ApiKey

EVENTS: Final = 10_000_000
CHUNK: Final = 500_000
SUBSCRIPTIONS: Final = 5
ENDPOINTS: Final = 20
DAYS: Final = 60
ROUNDS: Final = 15
LIMIT_MS: Final = 100.0
_SEED: Final = """
    INSERT INTO usage_usageevent (event_id, occurred_at, decided_at, stored_at, batch_id, source,
        consumer_organization_id, provider_organization_id, subscription_id, key_id, api_id, method, path, status,
        latency_ms, request_bytes, response_bytes, request_id, outcome, is_billable, properties)
    SELECT gen_random_uuid(), moment, moment, moment, %(batch)s, 'gateway', %(consumer)s, key.provider, key.subscription,
        key.key, key.api, 'GET', '/v1/things' || floor(random() * %(endpoints)s)::int || '/latest',
        (ARRAY[200, 200, 200, 200, 301, 404, 429, 503])[1 + floor(random() * 8)::int],
        (10 + 40 / (0.02 + random()))::int, 200, 2000, '', 'completed', true, '{}'
    FROM (
        SELECT now() - random() * make_interval(days => %(days)s) AS moment, 1 + n %% %(count)s AS number
        FROM generate_series(1, %(events)s) AS n
    ) call
    JOIN unnest(%(keys)s::uuid[], %(subscriptions)s::uuid[], %(apis)s::uuid[], %(providers)s::uuid[])
        WITH ORDINALITY AS key (key, subscription, api, provider, number) USING (number)
"""


def measure() -> list[Measure]:
    """Store the calls, add them up, and open the page."""
    with durable_servers():
        return _run()


def _run() -> list[Measure]:
    # Models can be imported only now.
    from apps.usage.models import UsageDay, UsageHour  # noqa: PLC0415 -- after django.setup()

    member, keys = _prepare()
    seeding_s = _seed(member, keys)
    rolling_s = _roll_up()
    note = f"stored within {seeding_s:,.0f} s"
    rows = f"{UsageHour.objects.count():,} rows of hours, {UsageDay.objects.count():,} of days"
    return [
        Measure(f"adding up {EVENTS:,} calls", EVENTS / rolling_s, "calls/s", note=note),
        *_pages(member, rows),
    ]


def _prepare() -> tuple[Membership, list[ApiKey]]:
    """Make a consumer with subscriptions to documented APIs, and two keys of each."""
    from apps.apis.enums import VersionStatus  # noqa: PLC0415 -- after django.setup()
    from apps.apis.models import ApiVersion  # noqa: PLC0415 -- see above
    from tests.factories.accounts import make_member  # noqa: PLC0415 -- see above
    from tests.factories.keys import make_key  # noqa: PLC0415 -- see above
    from tests.factories.subscriptions import make_subscription  # noqa: PLC0415 -- see above

    member = make_member("owner")
    keys: list[ApiKey] = []
    for _number in range(SUBSCRIPTIONS):
        subscription = make_subscription(consumer=member.organization)
        keys += [make_key(subscription).key, make_key(subscription).key]
        version = ApiVersion.objects.create(
            api=subscription.api, name="v1", status=VersionStatus.PUBLISHED
        )
        for number in range(ENDPOINTS):
            version.endpoints.create(method="GET", path=f"/v1/things{number}/{{id}}")
    return member, keys


def _seed(member: Membership, keys: list[ApiKey]) -> float:
    from django.db import connection  # noqa: PLC0415 -- after django.setup()

    from apps.core.ids import uuid7  # noqa: PLC0415 -- see above

    rows = [key.subscription for key in keys]
    values: dict[str, Any] = {
        "batch": uuid7(),
        "consumer": member.organization_id,
        "endpoints": ENDPOINTS,
        "days": DAYS,
        "count": len(keys),
        "keys": [key.pk for key in keys],
        "subscriptions": [row.pk for row in rows],
        "apis": [row.api_id for row in rows],
        "providers": [row.provider_organization_id for row in rows],
    }
    started = time.perf_counter()
    with connection.cursor() as cursor:
        for first in range(0, EVENTS, CHUNK):
            cursor.execute(_SEED, {**values, "events": min(CHUNK, EVENTS - first)})
        cursor.execute("VACUUM ANALYZE usage_usageevent")
    return time.perf_counter() - started


def _roll_up() -> float:
    from django.db import connection  # noqa: PLC0415 -- after django.setup()

    from apps.usage.services import roll_up  # noqa: PLC0415 -- see above

    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO usage_rollupmark (subscription_id, hour)"
            " SELECT DISTINCT subscription_id, date_trunc('hour', occurred_at, 'UTC') FROM usage_usageevent"
        )
    started = time.perf_counter()
    roll_up()
    taken = time.perf_counter() - started
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE usage_usagehour, usage_usageday")
    return taken


def _pages(member: Membership, rows: str) -> list[Measure]:
    from tests.clients import api_client, client_for  # noqa: PLC0415 -- after django.setup()

    found = []
    for name, client, path in (
        ("usage page of 30 days", client_for(member), "/console/usage/?period=30d"),
        ("usage page of 24 hours", client_for(member), "/console/usage/?period=24h"),
        (
            "analytics of 30 days over REST",
            api_client(member),
            "/api/v1/analytics/usage?period=30d",
        ),
    ):
        times = [_opened_ms(client, path) for _round in range(ROUNDS)]
        limit = LIMIT_MS if "30" in name else None
        found.append(Measure(name, median(times[3:]), "ms", at_most=limit, note=rows))
    return found


def _opened_ms(client: Any, path: str) -> float:
    started = time.perf_counter()
    answer = client.get(path)
    taken = (time.perf_counter() - started) * 1000
    if answer.status_code != 200:
        msg = f"{path} answered {answer.status_code}"
        raise RuntimeError(msg)
    return taken
