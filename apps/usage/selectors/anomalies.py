"""Anomalies and their settings, by who may read them; and the counts of hours that they are found in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from apps.core.actors import Actor
from apps.core.exceptions import NotFound
from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.pricing.models import CALLS_METER
from apps.usage.anomaly_rules import HourCount
from apps.usage.models import AnomalySetting, UsageAnomaly

_COUNT_HOURS: Final = """
    SELECT w.subscription_id, asked.hour, SUM(w.event_count), SUM(w.error_count)
    FROM unnest(%s::uuid[]) AS own (id) CROSS JOIN unnest(%s::timestamptz[]) AS asked (hour)
    JOIN usage_usagewindow w ON w.subscription_id = own.id AND w.meter = %s
        AND w.window_start >= asked.hour AND w.window_start < asked.hour + interval '1 hour'
    GROUP BY w.subscription_id, asked.hour
"""
_FIRST_HOURS: Final = """
    SELECT own.id, first.window_start FROM unnest(%s::uuid[]) AS own (id)
    CROSS JOIN LATERAL (
        SELECT window_start FROM usage_usagewindow w
        WHERE w.subscription_id = own.id AND w.meter = %s ORDER BY window_start LIMIT 1
    ) first
"""


def count_hours(
    subscription_ids: Sequence[UUID], hours: Sequence[datetime]
) -> dict[tuple[UUID, datetime], HourCount]:
    """Return the calls of subscriptions in hours that start at these instants; those without calls are left out."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_HOURS, [list(subscription_ids), list(hours), CALLS_METER])
        return {
            (subscription_id, hour): HourCount(int(calls), int(errors))
            for subscription_id, hour, calls, errors in cursor.fetchall()
        }


def first_hours(subscription_ids: Sequence[UUID]) -> Mapping[UUID, datetime]:
    """Return when each subscription's first counted hour began; one index look-up each, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(_FIRST_HOURS, [list(subscription_ids), CALLS_METER])
        return dict(cursor.fetchall())


def list_anomalies(actor: Actor, *, is_provider: bool | None = None) -> QuerySet[UsageAnomaly]:
    """Return the organization's anomalies, newest first: of its APIs, of its subscriptions, or both."""
    if actor.organization_id is None:
        return UsageAnomaly.objects.none()
    rows = UsageAnomaly.objects.visible_to(actor).filter(organization_id=actor.organization_id)
    if is_provider is not None:
        rows = rows.filter(subscription__isnull=is_provider)
    return rows.select_related("organization", "api", "subscription__plan")


def get_anomaly(actor: Actor, public_id: str) -> UsageAnomaly:
    """Return one anomaly of the actor's organization.

    Raises:
        NotFound: unknown, or another organization's.
    """
    try:
        key = parse_public_id(UsageAnomaly.id_prefix, public_id)
    except InvalidPublicIdError:
        raise NotFound from None
    row = list_anomalies(actor).filter(pk=key).first()
    if row is None:
        raise NotFound
    return row


def list_anomaly_settings(actor: Actor) -> QuerySet[AnomalySetting]:
    """Return what the organization chose: for everything first, then by API."""
    if actor.organization_id is None:
        return AnomalySetting.objects.none()
    rows = AnomalySetting.objects.visible_to(actor).filter(organization_id=actor.organization_id)
    return rows.select_related("api").order_by("api__name")
