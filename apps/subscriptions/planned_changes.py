"""Reads of a subscription's history, and of changes that wait for the end of a period."""

from __future__ import annotations

from typing import Any

from apps.core.ids import parse_public_id
from apps.pricing.models import Plan
from apps.subscriptions.enums import PlannedChangeStatus
from apps.subscriptions.models import PlannedChange, Subscription, SubscriptionChange


def find_planned_change(subscription: Subscription) -> PlannedChange | None:
    """Return the change that waits for the end of the period, if there is one."""
    rows = subscription.planned_changes.filter(status=PlannedChangeStatus.WAITING)
    return rows.select_related("plan", "price_version").first()


def recent_changes(subscription: Subscription, *, count: int) -> list[SubscriptionChange]:
    """Return the newest changes, each with its plans in `words`: "Basic → Pro". Two queries."""
    rows = list(subscription.changes.order_by("-created_at", "-id")[:count])
    names = _plan_names(rows)
    for row in rows:
        before, after = _offer_of(row.before, names), _offer_of(row.after, names)
        planned = names.get(row.after.get("planned_plan", ""), "")
        moved = " → ".join(word for word in (before, after) if word) if before else ""
        row.words = planned or moved  # type: ignore[attr-defined]  # for the template
    return rows


def _plan_names(rows: list[SubscriptionChange]) -> dict[str, str]:
    named = {
        facts[key]
        for row in rows
        for facts in (row.before, row.after)
        for key in ("plan", "planned_plan")
        if key in facts
    }
    keys = [parse_public_id(Plan.id_prefix, public_id) for public_id in named]
    return {plan.public_id: plan.name for plan in Plan.objects.filter(pk__in=keys)}


def _offer_of(facts: dict[str, Any], names: dict[str, str]) -> str:
    """Name a plan and its quantity, as far as they changed."""
    name = names.get(facts.get("plan", ""), "")
    quantity = facts.get("quantity")
    return f"{name} × {quantity}".strip() if quantity not in {None, 1} else name
