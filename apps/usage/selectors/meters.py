"""Meters by who may see them, and whether they are used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from django.db.models import Count, F, Max, Prefetch, QuerySet, Sum

from apps.apis.models import Api
from apps.core.actors import Actor
from apps.core.exceptions import NotFound
from apps.pricing.enums import PlanStatus
from apps.pricing.meter_sources import MeterFacts
from apps.pricing.models import PriceComponent
from apps.subscriptions.models import Subscription
from apps.usage.enums import Aggregation, UnitRounding
from apps.usage.meter_filters import OTHER
from apps.usage.models import Meter, MeterError, UsageWindow


def meters_of(api: Api) -> QuerySet[Meter]:
    """Return an API's meters, those that count first, each with its errors."""
    errors = Prefetch("errors", MeterError.objects.order_by("code"))
    rows = Meter.objects.filter(api=api).prefetch_related(errors)
    return rows.order_by(F("archived_at").asc(nulls_first=True), "key")


def get_meter(actor: Actor, api: Api, meter_id: str) -> Meter:
    """Return a meter of an API.

    Raises:
        NotFound: unknown, or of another API or organization.
    """
    meter = Meter.objects.get_visible(actor, meter_id)
    if meter.api_id != api.pk:
        raise NotFound
    return meter


def running_meters(api_ids: Iterable[UUID]) -> QuerySet[Meter]:
    """Return the meters of APIs that count, by API and name: what a price may charge for."""
    rows = Meter.objects.filter(api_id__in=api_ids, archived_at=None)
    return rows.select_related("api").order_by("api__name", "name")


def running_meter_facts(api_id: UUID) -> Mapping[str, MeterFacts]:
    """Return what a price must know of what it may charge for beside calls, by key. One query."""
    return {row.key: _facts_of(row) for row in running_meters([api_id])}


def _facts_of(meter: Meter) -> MeterFacts:
    return MeterFacts(
        name=meter.name,
        unit=meter.unit,
        adds_up=meter.aggregation in {Aggregation.COUNT, Aggregation.SUM},
        is_sum=meter.aggregation == Aggregation.SUM,
        rounds=meter.rounding != UnitRounding.NONE,
        dimensions={
            item["property"]: (*map(str, item["values"]), OTHER) for item in meter.group_by
        },
    )


def most_meters_of_an_api(organization_id: UUID) -> int:
    """Return how many meters run on that of an organization's APIs that has the most."""
    rows = Meter.objects.filter(organization_id=organization_id, archived_at=None)
    counts = rows.order_by().values("api_id").annotate(count=Count("pk"))
    return counts.aggregate(most=Max("count"))["most"] or 0


def is_in_use(meter: Meter) -> bool:
    """Whether it has counted something, or a published price charges for it."""
    counted = UsageWindow.objects.filter(api_id=meter.api_id, meter=meter.key)
    subscriptions = Subscription.objects.filter(api_id=meter.api_id).values("pk")
    return (
        counted.filter(subscription__in=subscriptions).exists()
        or _charging(meter).filter(version__published_at__isnull=False).exists()
    )


def is_offered(meter: Meter) -> bool:
    """Whether a plan that takes subscribers charges for it."""
    return (
        _charging(meter)
        .filter(version__is_current=True, version__plan__status=PlanStatus.PUBLISHED)
        .exists()
    )


def counted_events_of(meters: Iterable[Meter]) -> dict[tuple[UUID, str], int]:
    """Return how many events each meter has counted in all. One query."""
    api_ids = {meter.api_id for meter in meters}
    rows = (
        UsageWindow.objects.filter(
            subscription__api_id__in=api_ids, meter__in={meter.key for meter in meters}
        )
        .order_by()
        .values_list("api_id", "meter")
        .annotate(Sum("event_count"))
    )
    return {(api_id, key): count for api_id, key, count in rows}


def _charging(meter: Meter) -> QuerySet[PriceComponent]:
    return PriceComponent.objects.filter(version__plan__api_id=meter.api_id, meter=meter.key)
