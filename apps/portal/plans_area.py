"""Fills the plans area of an API's public page: plans compared, and what the visitor's workspace has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from apps.apis.enums import ApiStatus
from apps.apis.models import Api
from apps.core.actors import Actor
from apps.portal.panels import fill_plans_panel
from apps.pricing.comparison import compare_plans
from apps.pricing.models import Plan
from apps.pricing.selectors import current_version_of, current_versions_of, list_offered_plans
from apps.pricing.summaries import PriceSummary, summary_of
from apps.subscriptions.models import Subscription
from apps.subscriptions.selectors import find_live_subscription


@dataclass(frozen=True, slots=True)
class Offer:
    """A plan with its price list."""

    plan: Plan
    price: PriceSummary
    other_currencies: tuple[str, ...]


def plans_context(api: Api, actor: Actor) -> dict[str, Any]:
    """Return the offers and the visitor's own subscription: five queries, whatever the number of plans."""
    plans = list(list_offered_plans(api, actor.organization_id))
    offers = [
        Offer(
            plan,
            summary_of(version),
            tuple(row.currency for row in current_versions_of(plan)[1:]),
        )
        for plan in plans
        if (version := current_version_of(plan)) is not None
    ]
    return {
        "offers": offers,
        "comparison": compare_plans(plans) if len(offers) > 1 else None,
        "own_subscription": _own_subscription(api, actor),
        "takes_subscribers": api.status == ApiStatus.ACTIVE,
    }


def _own_subscription(api: Api, actor: Actor) -> Subscription | None:
    if actor.workspace_id is None:
        return None
    return find_live_subscription(workspace_id=actor.workspace_id, api_id=api.pk)


fill_plans_panel("pricing/_plans.html", plans_context)
