"""Adds up an hour of some subscriptions from the calls themselves, as often as asked: the same calls, the same rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from apps.apis.enums import SERVED_VERSIONS
from apps.apis.models import Endpoint
from apps.core import clock
from apps.usage.endpoint_table import EndpointTable
from apps.usage.rollups.slots import HOUR, Slot
from apps.usage.sketch import BUCKET_SQL, UNIT_SQL

# So many different paths of an API are looked at in an hour, by alphabet; what is beyond counts as no known endpoint.
MAX_PATHS: Final = 200_000
_PATHS: Final = """
    SELECT DISTINCT api_id, method, path FROM usage_usageevent
    WHERE subscription_id = ANY(%s) AND occurred_at >= %s AND occurred_at < %s AND api_id = ANY(%s)
    ORDER BY api_id, method, path LIMIT %s
"""
_DELETE: Final = """
    DELETE FROM usage_usagehour WHERE subscription_id = ANY(%s) AND slot_start >= %s AND slot_start < %s
"""
_ADD_UP: Final = f"""
    INSERT INTO usage_usagehour (slot_start, consumer_organization_id, provider_organization_id, subscription_id, api_id,
        plan_id, country, key_id, endpoint, status, calls, billable, timed, latency_sum_ms, request_bytes,
        response_bytes, latencies, rolled_at)
    SELECT slot.start_at, slot.consumer_id, slot.provider_id, slot.subscription_id, slot.api_id, slot.plan_id,
        slot.country, counted.key_id, counted.endpoint, counted.status, sum(calls), sum(billable), sum(timed),
        sum(latency_sum), sum(request_sum), sum(response_sum), sum(timed * {UNIT_SQL}), %(now)s
    FROM (
        SELECT subscription_id, start_at, key_id, COALESCE(known.endpoint, '') AS endpoint, status,
            {BUCKET_SQL} AS bucket, count(*) AS calls, count(*) FILTER (WHERE is_billable) AS billable,
            count(*) FILTER (WHERE outcome = 'completed') AS timed,
            COALESCE(sum(latency_ms) FILTER (WHERE outcome = 'completed'), 0) AS latency_sum,
            sum(request_bytes) AS request_sum, sum(response_bytes) AS response_sum
        FROM usage_usageevent call
        JOIN unnest(%(subscriptions)s::uuid[], %(starts)s::timestamptz[], %(ends)s::timestamptz[])
            AS slot (subscription_id, start_at, end_at) USING (subscription_id)
        LEFT JOIN unnest(%(known_apis)s::uuid[], %(methods)s::text[], %(paths)s::text[], %(endpoints)s::text[])
            AS known (api_id, method, path, endpoint)
            ON known.api_id = call.api_id AND known.method = call.method AND known.path = call.path
        WHERE call.outcome <> 'measured' AND call.occurred_at >= slot.start_at AND call.occurred_at < slot.end_at
            AND call.subscription_id = ANY(%(wanted)s) AND call.occurred_at >= %(hour)s AND call.occurred_at < %(end)s
        GROUP BY 1, 2, 3, 4, 5, 6
    ) counted
    JOIN unnest(%(subscriptions)s::uuid[], %(starts)s::timestamptz[], %(consumers)s::uuid[], %(providers)s::uuid[],
        %(apis)s::uuid[], %(plans)s::uuid[], %(countries)s::text[])
        AS slot (subscription_id, start_at, consumer_id, provider_id, api_id, plan_id, country)
        USING (subscription_id, start_at)
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
"""  # noqa: S608 -- constants of the sketch


def add_up_hour(hour: datetime, slots: Sequence[Slot]) -> None:
    """Write the rows of an hour of UTC anew, for the subscriptions of these slots."""
    wanted = sorted({slot.party.subscription_id for slot in slots})
    known = _known_paths(wanted, {slot.party.api_id for slot in slots}, hour)
    columns = list(zip(*known, strict=True)) or [(), (), (), ()]
    names = ("known_apis", "methods", "paths", "endpoints")
    values: dict[str, Any] = {
        **{name: list(column) for name, column in zip(names, columns, strict=True)},
        "now": clock.now(),
        "wanted": wanted,
        "hour": hour,
        "end": hour + HOUR,
        "subscriptions": [slot.party.subscription_id for slot in slots],
        "starts": [slot.start for slot in slots],
        "ends": [slot.end for slot in slots],
        "consumers": [slot.party.consumer_id for slot in slots],
        "providers": [slot.party.provider_id for slot in slots],
        "apis": [slot.party.api_id for slot in slots],
        "plans": [slot.party.plan_id for slot in slots],
        "countries": [slot.party.country for slot in slots],
    }
    with connection.cursor() as cursor:
        cursor.execute(_DELETE, [wanted, hour, hour + HOUR])
        cursor.execute(_ADD_UP, values)


def _known_paths(
    subscription_ids: list[UUID], api_ids: Collection[UUID], hour: datetime
) -> list[tuple[UUID, str, str, str]]:
    """Return the paths of the hour that an API's documents describe, each with its endpoint."""
    tables = _tables(api_ids)
    if not tables:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_PATHS, [subscription_ids, hour, hour + HOUR, list(tables), MAX_PATHS])
        rows = cursor.fetchall()
    found = ((api, method, path, tables[api].find(method, path)) for api, method, path in rows)
    return [row for row in found if row[3]]


def _tables(api_ids: Collection[UUID]) -> dict[UUID, EndpointTable]:
    rows = Endpoint.objects.filter(version__api__in=api_ids, version__status__in=SERVED_VERSIONS)
    by_api: dict[UUID, list[tuple[str, str]]] = defaultdict(list)
    newest = rows.order_by("-version__is_current", "-version_id", "position")
    for api_id, method, path in newest.values_list("version__api_id", "method", "path"):
        by_api[api_id].append((method, path))
    return {api_id: EndpointTable(pairs) for api_id, pairs in by_api.items()}
