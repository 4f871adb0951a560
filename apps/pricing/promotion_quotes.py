"""Which promotions a quote counts.

Source: docs/domain/promotions.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from apps.accounts.models import Organization
from apps.core import clock
from apps.core.actors import Actor
from apps.pricing.calculator.promotions import Reduction
from apps.pricing.models import CALLS_METER, PriceVersion, Promotion
from apps.pricing.promotion_reductions import reduction_of
from apps.pricing.promotion_rules import Reason, customer_for, find_refusal, refused
from apps.pricing.promotion_selectors import find_promotion, list_automatic_promotions


def reductions_for_quote(
    question: Mapping[str, Any], version: PriceVersion, *, actor: Actor
) -> tuple[Reduction, ...]:
    """Return the promotion of the question's code, and if it asks for them those that apply by themselves.

    Raises:
        PromotionRefused: the code does not hold for the actor's organization, or nobody is signed in.
    """
    code, wants_automatic = question.get("promotion_code", ""), question.get("promotions", False)
    if not code and not wants_automatic:
        return ()
    if actor.organization_id is None:
        raise refused(Reason.UNKNOWN)
    calls = question["usage"].get(CALLS_METER, {}).get("quantity", 0)
    found: list[Promotion] = []
    if wants_automatic:
        found = [
            promotion
            for promotion in list_automatic_promotions(version.organization_id)
            if _refusal(promotion, version, actor.organization_id, calls=int(calls)) is None
        ]
    if code:
        promotion = find_promotion(code=code, plan=version.plan)
        if promotion is None:
            raise refused(Reason.UNKNOWN)
        refusal = _refusal(promotion, version, actor.organization_id, calls=int(calls))
        if refusal is not None:
            raise refused(refusal)
        found.append(promotion)
    found.sort(key=lambda item: (-item.priority, item.pk))
    return tuple(reduction_of(promotion, version.currency) for promotion in found)


def _refusal(
    promotion: Promotion, version: PriceVersion, organization_id: UUID, *, calls: int
) -> Reason | None:
    customer = replace(customer_for(promotion, organization_id), calls=calls)
    organization = Organization.objects.get(pk=organization_id)
    return find_refusal(
        promotion,
        plan=version.plan,
        currency=version.currency,
        customer=customer,
        at=clock.business_now(organization),
    )
