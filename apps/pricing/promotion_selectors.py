"""Reads of promotions."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from apps.core import clock
from apps.core.actors import Actor
from apps.core.exceptions import NotFound
from apps.pricing.models import Plan, Promotion
from apps.pricing.promotion_drafts import normal_code
from apps.pricing.promotion_rules import refusal_of_offer, refusal_of_plan


def list_own_promotions(actor: Actor) -> QuerySet[Promotion]:
    """Return the promotions of the actor's organization, newest first, with what they reach."""
    if actor.organization_id is None:
        return Promotion.objects.none()
    return _loaded(Promotion.objects.filter(organization_id=actor.organization_id))


def get_own_promotion(actor: Actor, public_id: str) -> Promotion:
    """Return one promotion of the actor's organization.

    Raises:
        NotFound: unknown, or another organization's.
    """
    return Promotion.objects.filter(pk__in=list_own_promotions(actor).values("pk")).get_visible(
        actor, public_id
    )


def list_operator_promotions() -> QuerySet[Promotion]:
    """Return the operator's promotions, newest first, with what they reach."""
    return _loaded(Promotion.objects.of_operator())


def get_operator_promotion(actor: Actor, public_id: str) -> Promotion:
    """Return one promotion of the operator.

    Raises:
        NotFound: unknown, or a provider's; or the actor does not act for the platform.
    """
    if not actor.sees_every_tenant:
        raise NotFound
    return Promotion.objects.of_operator().get_visible(actor, public_id)


def find_promotion(*, code: str, plan: Plan) -> Promotion | None:
    """Return the promotion that a code means for a plan: its provider's own goes before the operator's."""
    rows = Promotion.objects.reaching(plan.organization_id).filter(
        code=normal_code(code), is_automatic=False
    )
    found = list(_loaded(rows))
    return next((row for row in found if not row.is_operators), found[0] if found else None)


def list_promotions_of_plan(plan: Plan) -> list[Promotion]:
    """Return the promotions of a plan's provider that hold for it now, newest first."""
    rows = _loaded(Promotion.objects.filter(organization_id=plan.organization_id, is_active=True))
    return [
        row
        for row in rows.order_by("-id")
        if refusal_of_offer(row, at=clock.now()) is None
        and refusal_of_plan(row, plan=plan, currency=row.currency) is None
    ]


def list_automatic_promotions(*provider_ids: UUID) -> list[Promotion]:
    """Return the active promotions that apply by themselves to these providers' subscribers, the first to apply first."""
    rows = Promotion.objects.reaching(*provider_ids).filter(is_automatic=True, is_active=True)
    return list(_loaded(rows).order_by("-priority", "id"))


def _loaded(rows: QuerySet[Promotion]) -> QuerySet[Promotion]:
    return rows.prefetch_related("plans", "categories")
