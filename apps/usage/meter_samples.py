"""What a meter would give of an API's last events: shown while it is being made, saved nowhere."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from apps.apis.models import Api
from apps.core.clock import Period
from apps.core.ids import format_public_id
from apps.subscriptions.models import Subscription
from apps.usage.aggregation import ZERO, aggregate
from apps.usage.enums import EventOutcome, MeterErrorCode
from apps.usage.event_schema import IncomingEvent
from apps.usage.instants import EPOCH, to_us
from apps.usage.meter_drafts import FIXED_FIELDS, MeterDraft, require_valid
from apps.usage.meter_endpoints import resolve_endpoints
from apps.usage.metering import compile_meter, meter_events
from apps.usage.models import Meter, UsageEvent
from apps.usage.placement import Place, Placed, window_start_of

SAMPLE_SIZE: Final = 100
INSTANT: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class MeterSample:
    """What a meter makes of some events.

    `events` were looked at, `counted` gave a value, `problems` says how many gave none and why. `quantity` is their
    aggregate and `units` what would be priced; `groups` counts the events of each combination of dimensions.
    """

    events: int
    counted: int
    quantity: Decimal
    units: Decimal
    problems: tuple[tuple[str, int], ...]
    groups: tuple[tuple[str, int], ...]


def sample_meter(*, api: Api, draft: MeterDraft) -> MeterSample:
    """Hold a meter against the last events of an API. One query, and one where the draft names endpoints.

    Raises:
        InvalidInput: a field of the draft is wrong.
    """
    require_valid(draft)
    meter = Meter(api=api, key=draft.key, created_at=EPOCH, endpoints=resolve_endpoints(api, draft))
    for name in FIXED_FIELDS:
        setattr(meter, name, getattr(draft, name))
    rows = list(UsageEvent.objects.filter(api_id=api.pk).order_by("-occurred_at")[:SAMPLE_SIZE])
    metered = meter_events(
        [_placed(row) for row in rows], {api.pk: [compiled := compile_meter(meter)]}
    )
    readings = [gain.reading for gain in metered.gains]
    quantity = ZERO
    if readings:
        last = max(reading.at for reading in readings) + INSTANT
        period = Period(min(reading.at for reading in readings), last)
        quantity = aggregate(compiled.kind, readings, period=period)
    problems = Counter(str(MeterErrorCode(miss.code).label) for miss in metered.misses)
    groups = Counter(gain.dimensions for gain in metered.gains if gain.dimensions)
    return MeterSample(
        events=len(rows),
        counted=len(readings),
        quantity=quantity,
        units=meter.priced_units(quantity),
        problems=tuple(problems.most_common()),
        groups=tuple(groups.most_common()),
    )


def _placed(row: UsageEvent) -> Placed:
    """Return a stored event as it was placed, as far as meters look at it."""
    is_call = row.outcome != EventOutcome.MEASURED
    event = IncomingEvent(
        id=row.event_id,
        source=row.source,
        occurred_at=row.decided_at,
        subscription_id=format_public_id(Subscription.id_prefix, row.subscription_id),
        api_id=format_public_id(Api.id_prefix, row.api_id),
        method=row.method,
        path=row.path,
        status=row.status if row.outcome == EventOutcome.COMPLETED else None,
        latency_ms=row.latency_ms if is_call else None,
        request_bytes=row.request_bytes,
        response_bytes=row.response_bytes,
        outcome=row.outcome,  # type: ignore[arg-type]  # one of EventOutcome's values
        properties=row.properties,
    )
    place = Place(
        consumer_id=row.consumer_organization_id,
        provider_id=row.provider_organization_id,
        subscription_id=row.subscription_id,
        api_id=row.api_id,
        key_id=row.key_id,
        offset_us=0,
        timezone="UTC",
        billed_below=1000,
    )
    return Placed(
        event,
        place,
        to_us(row.occurred_at),
        to_us(row.decided_at),
        to_us(window_start_of(row.occurred_at, "UTC")),
        row.is_billable,
    )
