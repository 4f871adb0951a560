"""Writes of plans and prices. A published price version never changes; a change is a new version."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.text import slugify
from django.utils.translation import gettext as _

from apps.apis.models import Api
from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.events import publish
from apps.pricing.drafts import ComponentDraft, PlanDraft, PriceDraft, find_defects
from apps.pricing.enums import PlanStatus, PriceModel
from apps.pricing.events import PlanPublished, PlanWithdrawn, PriceVersionPublished
from apps.pricing.exceptions import (
    InvalidPrice,
    PlanClosed,
    PlanNameTaken,
    PlanWithoutPrice,
    PriceVersionPublishedAlready,
)
from apps.pricing.meter_sources import meters_of_api
from apps.pricing.models import CALLS_METER, Plan, PriceComponent, PriceVersion, Tier
from apps.pricing.transitions import PLAN

PLAN_FIELDS = (
    "name",
    "description",
    "is_private",
    "requires_approval",
    "trial_days",
    "key_limit",
    "key_rotation_days",
    "key_rotation_optional",
    "key_max_days",
    "position",
)


@transaction.atomic
def create_plan(*, api: Api, draft: PlanDraft, actor: Actor) -> Plan:
    """Create a plan without a price, as a draft.

    Raises:
        PlanNameTaken: the API has a plan of this name.
    """
    plan = Plan(api=api, organization_id=api.organization_id, slug=_slug_of(draft.name))
    _apply(plan, draft)
    _save_named(plan)
    record_audit(action="pricing:plan:created", target=plan, actor=actor, after=_facts(plan))
    return plan


@transaction.atomic
def update_plan(*, plan: Plan, draft: PlanDraft, actor: Actor) -> Plan:
    """Change what a plan is called and whom it is for; its price is changed by a new version.

    Raises:
        PlanClosed: the plan is kept for its history only.
        PlanNameTaken: the API has another plan of this name.
    """
    plan = Plan.objects.lock(plan.pk)
    _require_open(plan)
    before = _facts(plan)
    _apply(plan, draft)
    plan.slug = _slug_of(draft.name)
    _save_named(plan)
    record_audit(
        action="pricing:plan:updated", target=plan, actor=actor, before=before, after=_facts(plan)
    )
    return plan


@transaction.atomic
def add_price_version(*, plan: Plan, draft: PriceDraft, actor: Actor) -> PriceVersion:
    """Write down a new price for a plan. It counts for nobody until it is published.

    Raises:
        InvalidPrice: the price cannot be sold; `errors` points at each defect.
        PlanClosed: the plan takes no new prices.
    """
    defects = find_defects(draft)
    if defects:
        errors = [{**defect._asdict(), "detail": str(defect.detail)} for defect in defects]
        raise InvalidPrice(defects[0].detail, errors=errors)
    plan = Plan.objects.lock(plan.pk)
    _require_open(plan)
    _require_known_meters(plan, draft)
    last = plan.versions.aggregate(last=Max("number"))["last"] or 0
    version = PriceVersion.objects.create(
        organization_id=plan.organization_id,
        plan=plan,
        number=last + 1,
        currency=draft.currency,
        interval=draft.interval,
        interval_count=draft.interval_count,
        quota_calls=draft.quota_calls,
        quota_kind=draft.quota_kind,
        billable_statuses=draft.billable_statuses,
        rate_per_second=draft.rate_per_second,
        rate_per_minute=draft.rate_per_minute,
        rate_per_hour=draft.rate_per_hour,
        rate_per_day=draft.rate_per_day,
    )
    for position, component in enumerate(draft.components):
        _add_component(version, component, position)
    record_audit(
        action="pricing:price_version:added",
        target=version,
        actor=actor,
        after={"plan": plan.public_id, "number": version.number, "currency": version.currency},
    )
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
    _require_open(plan)
    if version.published_at is not None:
        raise PriceVersionPublishedAlready
    plan.versions.filter(is_current=True).update(is_current=False, updated_at=clock.now())
    version.is_current, version.published_at = True, clock.now()
    version.save(update_fields=["is_current", "published_at", "updated_at"])
    record_audit(
        action="pricing:price_version:published",
        target=version,
        actor=actor,
        after={"plan": plan.public_id, "number": version.number},
    )
    publish(PriceVersionPublished(plan_id=plan.pk, price_version_id=version.pk))
    return version


@transaction.atomic
def publish_plan(*, plan: Plan, actor: Actor) -> Plan:
    """Offer a plan to new subscribers. Its newest version is published with it if none is current.

    Publishes PlanPublished.

    Raises:
        PlanWithoutPrice: there is no price version.
        InvalidTransition: the plan is published or closed already.
    """
    plan = Plan.objects.lock(plan.pk)
    PLAN.require(PlanStatus(plan.status), PlanStatus.PUBLISHED)
    if not plan.versions.filter(is_current=True).exists():
        newest = plan.versions.order_by("-number").first()
        if newest is None:
            raise PlanWithoutPrice
        publish_version(version=newest, actor=actor)
    _move(plan, PlanStatus.PUBLISHED, actor=actor, verb="published")
    publish(PlanPublished(plan_id=plan.pk, api_id=plan.api_id))
    return plan


@transaction.atomic
def deprecate_plan(*, plan: Plan, actor: Actor) -> Plan:
    """Stop offering a plan; it can be published again. Subscribers keep it. Publishes PlanWithdrawn.

    Raises:
        InvalidTransition: the plan is not published.
    """
    plan = Plan.objects.lock(plan.pk)
    _move(plan, PlanStatus.DEPRECATED, actor=actor, verb="deprecated")
    publish(PlanWithdrawn(plan_id=plan.pk, api_id=plan.api_id, status=plan.status))
    return plan


@transaction.atomic
def close_plan(*, plan: Plan, actor: Actor) -> Plan:
    """End a plan for good; subscribers keep what they have until it ends. Publishes PlanWithdrawn.

    Raises:
        InvalidTransition: the plan is closed already.
    """
    plan = Plan.objects.lock(plan.pk)
    _move(plan, PlanStatus.CLOSED, actor=actor, verb="closed")
    publish(PlanWithdrawn(plan_id=plan.pk, api_id=plan.api_id, status=plan.status))
    return plan


def _move(plan: Plan, wanted: PlanStatus, *, actor: Actor, verb: str) -> None:
    before = PlanStatus(plan.status)
    PLAN.require(before, wanted)
    plan.status = wanted
    plan.save(update_fields=["status", "updated_at"])
    record_audit(
        action=f"pricing:plan:{verb}",
        target=plan,
        actor=actor,
        before={"status": before},
        after={"status": wanted},
    )


def _add_component(version: PriceVersion, draft: ComponentDraft, position: int) -> None:
    component = PriceComponent.objects.create(
        version=version,
        meter=draft.meter,
        name=draft.name,
        model=draft.model,
        unit_price=draft.unit_price,
        flat_fee=draft.flat_fee,
        free_units=draft.free_units,
        package_size=draft.package_size,
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
        )
        for index, tier in enumerate(draft.tiers)
    )


def _require_known_meters(plan: Plan, draft: PriceDraft) -> None:
    """A meter that the API does not count by would be sold and never billed."""
    wanted = {
        index: component.meter
        for index, component in enumerate(draft.components)
        if component.model != PriceModel.FLAT and component.meter != CALLS_METER
    }
    unknown = set(wanted.values()) - meters_of_api(plan.api_id).keys() if wanted else set()
    if unknown:
        detail = _("The API has no meter with this key that counts.")
        errors = [
            {"pointer": f"/components/{index}/meter", "code": "unknown_meter", "detail": detail}
            for index, meter in wanted.items()
            if meter in unknown
        ]
        raise InvalidPrice(detail, errors=errors)


def _require_open(plan: Plan) -> None:
    if plan.status == PlanStatus.CLOSED:
        raise PlanClosed


def _apply(plan: Plan, draft: PlanDraft) -> None:
    for name in PLAN_FIELDS:
        setattr(plan, name, getattr(draft, name))


def _save_named(plan: Plan) -> None:
    plan.full_clean(validate_unique=False, validate_constraints=False)
    try:
        with transaction.atomic():
            plan.save()
    except IntegrityError as error:
        if "pricing_plan_slug_unique" not in str(error):
            raise
        detail = _("Choose another name: the API has a plan “%(name)s”.") % {"name": plan.name}
        raise PlanNameTaken(detail, field="name") from error


def _slug_of(name: str) -> str:
    return slugify(name)[:60] or "plan"


def _facts(plan: Plan) -> dict[str, object]:
    return {name: getattr(plan, name) for name in PLAN_FIELDS}
