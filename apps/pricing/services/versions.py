"""Writes of prices. A published price version never changes; a change is a new version."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Max

from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.events import publish
from apps.pricing.component_rows import stored_conversion
from apps.pricing.drafts import (
    ComponentDraft,
    CurrencyPrice,
    PriceDraft,
    find_defects,
    prices_of,
)
from apps.pricing.enums import PlanStatus, PriceModel
from apps.pricing.events import PriceVersionPublished
from apps.pricing.exceptions import InvalidPrice, PlanClosed, PriceVersionPublishedAlready
from apps.pricing.meter_checks import require_sellable_meters
from apps.pricing.models import Plan, PriceComponent, PriceVersion, Tier


@transaction.atomic
def add_price_version(*, plan: Plan, draft: PriceDraft, actor: Actor) -> PriceVersion:
    """Write down a new price for a plan. It counts for nobody until it is published.

    A price in several currencies makes a row for each, with the same number and terms; the first one, in the default
    currency, is returned.

    Raises:
        InvalidPrice: the price cannot be sold; `errors` points at each defect.
        PlanClosed: the plan takes no new prices.
    """
    defects = find_defects(draft)
    if defects:
        errors = [{**defect._asdict(), "detail": str(defect.detail)} for defect in defects]
        raise InvalidPrice(defects[0].detail, errors=errors)
    plan = Plan.objects.lock(plan.pk)
    require_open(plan)
    require_sellable_meters(plan, draft)
    last = plan.versions.aggregate(last=Max("number"))["last"] or 0
    rows = [
        _add_row(plan, draft, price, number=last + 1, position=position)
        for position, price in enumerate(prices_of(draft))
    ]
    version = rows[0]
    record_audit(
        action="pricing:price_version:added",
        target=version,
        actor=actor,
        after={
            "plan": plan.public_id,
            "number": version.number,
            "currency": version.currency,
            "currencies": [row.currency for row in rows],
        },
    )
    return version


def _add_row(
    plan: Plan, draft: PriceDraft, price: CurrencyPrice, *, number: int, position: int
) -> PriceVersion:
    version = PriceVersion.objects.create(
        organization_id=plan.organization_id,
        plan=plan,
        number=number,
        position=position,
        currency=price.currency,
        interval=draft.interval,
        interval_count=draft.interval_count,
        alignment=draft.alignment,
        features=[feature._asdict() for feature in draft.features],
        quota_calls=draft.quota_calls,
        quota_kind=draft.quota_kind,
        billable_statuses=draft.billable_statuses,
        rate_per_second=draft.rate_per_second,
        rate_per_minute=draft.rate_per_minute,
        rate_per_hour=draft.rate_per_hour,
        rate_per_day=draft.rate_per_day,
    )
    for place, component in enumerate(price.components):
        _add_component(version, component, place)
    return version


@transaction.atomic
def publish_version(*, version: PriceVersion, actor: Actor) -> PriceVersion:
    """Make a version the one that new subscribers get, from now on unchangeable.

    Subscribers of the version before stay on it. Publishes PriceVersionPublished.

    Raises:
        PriceVersionPublishedAlready: it was published before.
        PlanClosed: the plan takes no new prices.
    """
    plan = Plan.objects.lock(version.plan_id)
    version = PriceVersion.objects.lock(version.pk)
    require_open(plan)
    if version.published_at is not None:
        raise PriceVersionPublishedAlready
    plan.versions.filter(is_current=True).update(is_current=False, updated_at=clock.now())
    now = clock.now()
    plan.versions.filter(number=version.number).update(
        is_current=True, published_at=now, published_by_user_id=actor.user_id, updated_at=now
    )
    version.refresh_from_db()
    record_audit(
        action="pricing:price_version:published",
        target=version,
        actor=actor,
        after={"plan": plan.public_id, "number": version.number},
    )
    publish(PriceVersionPublished(plan_id=plan.pk, price_version_id=version.pk))
    return version


def require_open(plan: Plan) -> None:
    """Refuse a closed plan.

    Raises:
        PlanClosed: it is kept for its history only.
    """
    if plan.status == PlanStatus.CLOSED:
        raise PlanClosed


def _add_component(version: PriceVersion, draft: ComponentDraft, position: int) -> None:
    component = PriceComponent.objects.create(
        version=version,
        meter=draft.meter,
        name=draft.name,
        model=draft.model,
        unit_price=draft.package_price if draft.model == PriceModel.PACKAGE else draft.unit_price,
        flat_fee=draft.flat_fee,
        free_units=draft.free_units,
        package_size=draft.package_size,
        package_rounding=draft.package_rounding.value,
        rate_percent=draft.rate_percent,
        fixed_fee=draft.fixed_fee,
        free_events=draft.free_events,
        free_amount=draft.free_amount,
        min_per_event=draft.min_per_event,
        max_per_event=draft.max_per_event,
        min_spend=draft.min_spend,
        max_spend=draft.max_spend,
        dimensions=dict(draft.dimensions),
        conversion=None if draft.conversion is None else stored_conversion(draft.conversion),
        billed_in_advance=draft.billed_in_advance,
        position=position,
    )
    Tier.objects.bulk_create(
        Tier(
            component=component,
            position=index,
            up_to=tier.up_to,
            unit_price=tier.unit_price,
            flat_fee=tier.flat_fee,
            package_size=tier.package_size,
            rate_percent=tier.rate_percent,
        )
        for index, tier in enumerate(draft.tiers)
    )
