"""Running periods that would end at another moment if their account moved to another time zone."""

from __future__ import annotations

from apps.accounts.models import Organization
from apps.accounts.zone_effects import ZoneEffect, register_zone_effects
from apps.subscriptions.services.zones import preview_zone_move


def _periods_that_move(organization: Organization, timezone: str) -> list[ZoneEffect]:
    return [
        ZoneEffect(
            f"{move.subscription.api.name} · {move.subscription.plan.name}",
            move.period.end,
            move.new_end,
        )
        for move in preview_zone_move(organization=organization, timezone=timezone)
    ]


register_zone_effects(_periods_that_move)
