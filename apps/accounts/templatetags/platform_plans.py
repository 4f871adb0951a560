"""The comparison of the platform's plans, on its own page and where a plan refuses something."""

from __future__ import annotations

from typing import Any

from django import template

from apps.accounts.platform_plans.overview import compare_plans
from apps.accounts.platform_plans.registry import current_plans
from apps.core.money import Money

register = template.Library()


@register.inclusion_tag("accounts/_plans.html")
def compared_plans(current: str = "", wanted: str = "") -> dict[str, Any]:
    """Compare the plans, the `current` one marked: `{% compared_plans overview.plan.key wanted %}`."""
    plans = [
        (
            plan,
            [
                (Money.from_decimal(price.amount, price.currency), price.interval)
                for price in plan.prices
            ],
        )
        for plan in current_plans().plans
    ]
    return {"plans": plans, "rows": compare_plans(wanted), "current": current}
