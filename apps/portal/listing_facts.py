"""The facts of listings, computed from what the apps below know: calls, subscribers, probes and plans.

One statement for all listings or for some of them; the catalogue then filters and sorts by a copy in its own app.
Ratings are not among them: whoever keeps them writes them at once (`apps.apis.services.set_listing_facts`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction

from apps.apis.selectors.shelves import forget_shelves
from apps.core import clock
from apps.pricing.enums import PlanStatus
from apps.pricing.models import CALLS_METER
from apps.subscriptions.enums import CALLABLE_STATUSES

WEEK: Final = timedelta(days=7)
HEALTH_DAYS: Final = 30
LATENCY_DAYS: Final = 7
# A young listing's first ten calls are no sensation: growth is measured as if each had this many calls before.
TREND_DAMPING_CALLS: Final = 100

# Amounts of different currencies are not compared: of several, the provider's own counts, else the first by its name.
# A plan is a free tier if holding it costs nothing and its first calls do not either.
_COMPUTE: Final = f"""
    WITH wanted AS (
        SELECT id FROM apis_api WHERE %(api_ids)s::uuid[] IS NULL OR id = ANY(%(api_ids)s::uuid[])
    ), calls AS (
        SELECT api_id,
               coalesce(sum(event_count) FILTER (WHERE window_start >= %(week)s), 0) AS recent,
               coalesce(sum(event_count) FILTER (WHERE window_start < %(week)s), 0) AS before
        FROM usage_usagewindow
        WHERE meter = %(meter)s AND window_start >= %(two_weeks)s AND window_start < %(now)s
          AND subscription_id IN (
              SELECT id FROM subscriptions_subscription WHERE api_id IN (SELECT id FROM wanted)
          )
        GROUP BY api_id
    ), subscribers AS (
        SELECT api_id, count(DISTINCT consumer_organization_id) AS total
        FROM subscriptions_subscription
        WHERE status = ANY(%(subscribed)s) AND api_id IN (SELECT id FROM wanted)
        GROUP BY api_id
    ), health AS (
        SELECT api_id,
               round(100.0 * sum(healthy_count) / nullif(sum(check_count), 0), 2) AS uptime,
               round(sum(latency_p50_ms::bigint * healthy_count)
                       FILTER (WHERE latency_p50_ms IS NOT NULL AND day > %(latency_day)s)
                     / nullif(sum(healthy_count)
                       FILTER (WHERE latency_p50_ms IS NOT NULL AND day > %(latency_day)s), 0)) AS latency
        FROM apis_healthday
        WHERE day > %(health_day)s AND api_id IN (SELECT id FROM wanted)
        GROUP BY api_id
    ), offers AS (
        SELECT plan.api_id, version.id, version.currency,
               coalesce(sum(part.flat_fee) FILTER (WHERE part.model = 'flat'), 0) AS fee,
               min(price.least) FILTER (WHERE part.model <> 'flat') AS least_price,
               bool_and(part.free_units > 0 OR coalesce(price.first, 0) = 0)
                   FILTER (WHERE part.meter = %(meter)s) AS begins_free,
               array_agg(DISTINCT part.model)
                   FILTER (WHERE part.model <> 'flat' OR part.flat_fee > 0) AS models
        FROM pricing_plan AS plan
        JOIN pricing_priceversion AS version ON version.plan_id = plan.id AND version.is_current
        JOIN pricing_pricecomponent AS part ON part.version_id = version.id
        LEFT JOIN LATERAL (
            SELECT min(unit) AS least, (array_agg(asked ORDER BY position))[1] AS first FROM (
                SELECT part.unit_price AS unit, part.unit_price AS asked, -1 AS position
                WHERE part.unit_price IS NOT NULL
                UNION ALL
                SELECT tier.unit_price, tier.unit_price + tier.flat_fee, tier.position
                FROM pricing_tier AS tier WHERE tier.component_id = part.id
                UNION ALL
                SELECT part.rate_percent / 100, part.rate_percent, -1 WHERE part.rate_percent IS NOT NULL
            ) AS units
        ) AS price ON true
        WHERE plan.status = %(published)s AND NOT plan.is_private
          AND plan.api_id IN (SELECT id FROM wanted)
        GROUP BY plan.api_id, version.id, version.currency
    ), priced AS (
        SELECT offers.*, CASE WHEN fee > 0 THEN fee ELSE coalesce(least_price, 0) END AS asked,
               offers.currency = provider.currency AS is_own
        FROM offers JOIN apis_api AS api ON api.id = offers.api_id
        JOIN accounts_organization AS provider ON provider.id = api.organization_id
    ), prices AS (
        SELECT api_id, bool_or(fee = 0 AND coalesce(begins_free, true)) AS is_free,
               (array_agg(asked ORDER BY is_own DESC, currency, asked))[1] AS price_from,
               (array_agg(currency ORDER BY is_own DESC, currency, asked))[1] AS currency
        FROM priced GROUP BY api_id
    ), kinds AS (
        SELECT api_id, array_agg(DISTINCT model::varchar ORDER BY model::varchar) AS models
        FROM priced, unnest(models) AS model GROUP BY api_id
    )
    INSERT INTO apis_listingfacts AS facts (
        api_id, calls_7d, calls_previous_7d, subscriber_count, trend, rating_count, latency_p50_ms, uptime_30d,
        has_free_tier, price_models, price_from, price_currency, refreshed_at
    )
    SELECT wanted.id, coalesce(recent, 0), coalesce(before, 0), coalesce(subscribers.total, 0),
           (coalesce(recent, 0) - coalesce(before, 0))::numeric / (coalesce(before, 0) + {TREND_DAMPING_CALLS}),
           0, latency, uptime, coalesce(is_free, false), coalesce(models, ARRAY[]::varchar[]),
           price_from, coalesce(currency, ''), %(now)s
    FROM wanted
    LEFT JOIN calls ON calls.api_id = wanted.id
    LEFT JOIN subscribers ON subscribers.api_id = wanted.id
    LEFT JOIN health ON health.api_id = wanted.id
    LEFT JOIN prices ON prices.api_id = wanted.id
    LEFT JOIN kinds ON kinds.api_id = wanted.id
    ORDER BY wanted.id
    ON CONFLICT (api_id) DO UPDATE SET
        calls_7d = EXCLUDED.calls_7d, calls_previous_7d = EXCLUDED.calls_previous_7d,
        subscriber_count = EXCLUDED.subscriber_count, trend = EXCLUDED.trend,
        latency_p50_ms = EXCLUDED.latency_p50_ms, uptime_30d = EXCLUDED.uptime_30d,
        has_free_tier = EXCLUDED.has_free_tier, price_models = EXCLUDED.price_models,
        price_from = EXCLUDED.price_from, price_currency = EXCLUDED.price_currency,
        refreshed_at = EXCLUDED.refreshed_at
"""  # noqa: S608 -- a number of this module only


@transaction.atomic
def refresh_listing_facts(*, api_ids: Sequence[UUID] | None = None) -> int:
    """Compute the facts of all listings, or of those given, and return of how many.

    One statement, whatever the number of listings. Calls count by the consumers' business time.
    """
    now = clock.now()
    parameters: dict[str, Any] = {
        "api_ids": None if api_ids is None else list(api_ids),
        "now": now,
        "week": now - WEEK,
        "two_weeks": now - 2 * WEEK,
        "health_day": now.date() - timedelta(days=HEALTH_DAYS),
        "latency_day": now.date() - timedelta(days=LATENCY_DAYS),
        "meter": CALLS_METER,
        "subscribed": list(CALLABLE_STATUSES),
        "published": PlanStatus.PUBLISHED,
    }
    with connection.cursor() as cursor:
        cursor.execute(_COMPUTE, parameters)
        count = int(cursor.rowcount)
    forget_shelves()
    return count
