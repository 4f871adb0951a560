"""Plans made from the operator's pricing models, and plans that follow them."""

from __future__ import annotations

import structlog
from django.db import transaction
from django.utils.translation import gettext as _

from apps.apis.models import Api
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.exceptions import DomainError
from apps.pricing.catalogue.compiling import CatalogueSettings, price_of
from apps.pricing.drafts import PlanDraft, PriceDraft
from apps.pricing.enums import PlanStatus, RefundPolicy, TermEnd, TrialEnd
from apps.pricing.exceptions import PricingModelInactive
from apps.pricing.models import (
    CatalogueModel,
    CatalogueModelVersion,
    CatalogueRevision,
    Plan,
    PriceVersion,
)
from apps.pricing.services.plans import create_plan
from apps.pricing.services.versions import add_price_version, publish_version

logger = structlog.get_logger(__name__)


def plan_draft_of(version: CatalogueModelVersion) -> PlanDraft:
    """Return how a plan of a pricing model begins; the provider may change any of it."""
    given = version.definition
    return PlanDraft(
        name=given["name"],
        description=given.get("description", ""),
        trial_days=given.get("trial_days", 0),
        trial_requires_card=given.get("trial_requires_card", False),
        trial_end=TrialEnd(given.get("trial_end", TrialEnd.CONVERT)),
        term_periods=given.get("term_periods"),
        term_end=TermEnd(given.get("term_end", TermEnd.RENEW)),
        term_end_optional=given.get("term_end_optional", True),
        max_quantity=given.get("max_quantity", 1),
        refund_policy=RefundPolicy(given.get("refund_policy", RefundPolicy.PRORATED)),
    )


def price_draft_of(version: CatalogueModelVersion) -> PriceDraft:
    """Return the price of a pricing model's version."""
    content = CatalogueRevision.objects.values_list("content", flat=True).get(
        pk=version.revision_id
    )
    return price_of(version.definition, CatalogueSettings.of(content.get("settings", {})))


@transaction.atomic
def create_plan_from_model(
    *, api: Api, model: CatalogueModel, draft: PlanDraft | None = None, follow: bool, actor: Actor
) -> Plan:
    """Make a plan with a pricing model's price, as a draft; it may follow the model from then on.

    Raises:
        PricingModelInactive: the model is not offered.
        PlanNameTaken: the API has a plan of this name.
        InvalidPrice: the API lacks a meter that the model charges for.
    """
    _require_active(model)
    version = newest_version_of(model)
    plan = create_plan(api=api, draft=draft or plan_draft_of(version), actor=actor)
    _add_version(plan, version, actor)
    if follow:
        _set_follows(plan, model, actor)
    return plan


@transaction.atomic
def follow_model(*, plan: Plan, model: CatalogueModel | None, actor: Actor) -> Plan:
    """Let a plan take over each new price of a model, beginning with the next one; None ends it.

    Raises:
        PricingModelInactive: the model is not offered.
    """
    plan = Plan.objects.lock(plan.pk)
    if model is not None:
        _require_active(model)
    if plan.follows_id != (model.pk if model else None):
        _set_follows(plan, model, actor)
    return plan


def bring_followers_up_to_date(*, version: CatalogueModelVersion, actor: Actor) -> int:
    """Give each plan that follows a model its new price, for new subscribers; tell how many have it now.

    Each plan stands for itself: one whose API lacks a meter keeps its price, and the trail says why. Safe to repeat.
    """
    done = 0
    plans = Plan.objects.filter(follows_id=version.model_id).exclude(status=PlanStatus.CLOSED)
    for plan in plans.order_by("pk"):
        try:
            done += _bring_up_to_date(plan, version, actor)
        except DomainError as error:
            logger.warning("pricing.follower_refused", plan=plan.public_id, code=error.error_code)
            with transaction.atomic():
                record_audit(
                    action="pricing:plan:follow_refused",
                    target=plan,
                    actor=actor,
                    after={"model_version": version.public_id, "code": error.error_code},
                    reason=str(error.detail),
                )
    return done


def newest_version_of(model: CatalogueModel) -> CatalogueModelVersion:
    """Return what a model is now; every model has a version."""
    return model.versions.order_by("-number")[0]


@transaction.atomic
def _bring_up_to_date(plan: Plan, version: CatalogueModelVersion, actor: Actor) -> bool:
    plan = Plan.objects.lock(plan.pk)
    newest = plan.versions.order_by("-number", "position").first()
    has_it = newest is not None and newest.model_version_id == version.pk
    if has_it or plan.follows_id != version.model_id or _is_outdated(version):
        return False
    if newest is not None and _has_same_price(newest, version):
        return False
    was_published = newest is not None and plan.versions.filter(is_current=True).exists()
    added = _add_version(plan, version, actor)
    if was_published:
        publish_version(version=added, actor=actor)
    return True


def _has_same_price(present: PriceVersion, version: CatalogueModelVersion) -> bool:
    """Whether the model changed in words only."""
    before = present.model_version
    return before is not None and price_draft_of(before) == price_draft_of(version)


def _is_outdated(version: CatalogueModelVersion) -> bool:
    return version.model.versions.filter(number__gt=version.number).exists()


def _add_version(plan: Plan, version: CatalogueModelVersion, actor: Actor) -> PriceVersion:
    added = add_price_version(plan=plan, draft=price_draft_of(version), actor=actor)
    # A row for each currency, all of one number.
    plan.versions.filter(number=added.number).update(model_version=version)
    added.refresh_from_db()
    return added


def _set_follows(plan: Plan, model: CatalogueModel | None, actor: Actor) -> None:
    before = plan.follows_id
    plan.follows = model
    plan.save(update_fields=["follows", "updated_at"])
    record_audit(
        action="pricing:plan:follows_changed",
        target=plan,
        actor=actor,
        before={"model": before},
        after={"model": model.pk if model else None},
    )


def _require_active(model: CatalogueModel) -> None:
    if not model.is_active:
        raise PricingModelInactive(
            _("Choose another pricing model: “%(name)s” is not offered any more.")
            % {"name": model.name},
            field="model",
        )
