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
# What is due whatever is used are fees, the first tiers' and least amounts. A plan is a free tier if nothing is due and
# the first of everything that it charges for is free. A share of an amount has no price from which it begins.
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
        SELECT plan.api_id, version.id, version.currency, coalesce(sum(price.due), 0) AS fee,
               min(price.least) AS least_price, coalesce(bool_or(price.is_share), false) AS has_share,
               coalesce(bool_and(price.begins_free), true) AS begins_free,
               array_agg(DISTINCT part.model)
                   FILTER (WHERE part.model <> 'flat' OR part.flat_fee > 0) AS models
        FROM pricing_plan AS plan
        JOIN pricing_priceversion AS version ON version.plan_id = plan.id AND version.is_current
        LEFT JOIN pricing_pricecomponent AS part ON part.version_id = version.id
        LEFT JOIN LATERAL (
            SELECT (array_agg(unit_price ORDER BY position))[1] AS first_unit,
                   (array_agg(flat_fee ORDER BY position))[1] AS first_fee,
                   (array_agg(rate_percent ORDER BY position))[1] AS first_rate,
                   min(unit_price / coalesce(package_size, 1)) FILTER (WHERE unit_price > 0) AS least_unit,
                   max(rate_percent) AS most_rate
            FROM pricing_tier WHERE component_id = part.id
        ) AS tiers ON true
        LEFT JOIN LATERAL (
            SELECT CASE WHEN part.model = 'flat' THEN coalesce(part.flat_fee, 0)
                       ELSE greatest(coalesce(part.min_spend, 0), coalesce(tiers.first_fee, 0)) END AS due,
                   coalesce(
                       tiers.least_unit,
                       nullif(part.unit_price, 0) / coalesce(nullif(part.package_size, 0), 1),
                       nullif(greatest(coalesce(part.fixed_fee, 0), coalesce(part.min_per_event, 0)), 0)
                   ) AS least,
                   greatest(coalesce(part.rate_percent, 0), coalesce(tiers.most_rate, 0)) > 0 AS is_share,
                   part.model = 'flat' OR part.free_units > 0
                       OR (coalesce(part.free_events, part.free_amount) IS NOT NULL
                           AND coalesce(part.free_events, 1) > 0 AND coalesce(part.free_amount, 1) > 0)
                       OR coalesce(tiers.first_unit, part.unit_price, 0) + coalesce(tiers.first_rate, 0)
                           + coalesce(part.rate_percent, 0) + coalesce(part.fixed_fee, 0)
                           + coalesce(part.min_per_event, 0) = 0 AS begins_free
            WHERE part.id IS NOT NULL
        ) AS price ON true
        WHERE plan.status = %(published)s AND NOT plan.is_private
          AND plan.api_id IN (SELECT id FROM wanted)
        GROUP BY plan.api_id, version.id, version.currency
    ), priced AS (
        SELECT offers.*, offers.currency = provider.currency AS is_own,
               CASE WHEN fee > 0 THEN fee WHEN least_price > 0 THEN least_price WHEN NOT has_share THEN 0 END AS asked
        FROM offers JOIN apis_api AS api ON api.id = offers.api_id
        JOIN accounts_organization AS provider ON provider.id = api.organization_id
    ), prices AS (
        SELECT api_id, bool_or(fee = 0 AND begins_free) AS is_free,
               (array_agg(asked ORDER BY is_own DESC, currency, asked) FILTER (WHERE asked IS NOT NULL))[1] AS price_from,
               (array_agg(currency ORDER BY is_own DESC, currency, asked) FILTER (WHERE asked IS NOT NULL))[1] AS currency
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
