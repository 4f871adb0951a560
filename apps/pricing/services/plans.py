"""Writes of plans: what is offered, to whom, and for how long."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from apps.apis.models import Api
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.events import publish
from apps.pricing.drafts import PlanDraft
from apps.pricing.enums import PlanStatus
from apps.pricing.events import PlanPublished, PlanWithdrawn
from apps.pricing.exceptions import PlanNameTaken, PlanWithoutPrice
from apps.pricing.models import Plan
from apps.pricing.services.versions import publish_version, require_open
from apps.pricing.transitions import PLAN

PLAN_FIELDS = (
    "name",
    "description",
    "is_private",
    "requires_approval",
    "trial_days",
    "trial_requires_card",
    "trial_end",
    "term_periods",
    "term_end",
    "term_end_optional",
    "key_limit",
    "key_rotation_days",
    "key_rotation_optional",
    "key_max_days",
    "max_quantity",
    "refund_policy",
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
    require_open(plan)
    before = _facts(plan)
    _apply(plan, draft)
    plan.slug = _slug_of(draft.name)
    _save_named(plan)
    record_audit(
        action="pricing:plan:updated", target=plan, actor=actor, before=before, after=_facts(plan)
    )
    return plan


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
    """End a plan for good. Its subscriptions end with their running period. Publishes PlanWithdrawn.

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
