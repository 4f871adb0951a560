"""Asks whether an organization's plan includes something, and refuses what it does not."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts.enums import PlatformFeature, PlatformLimit
from apps.accounts.exceptions import LargestPlanReached, PlanLapsed, PlanLimitReached, PlanRequired
from apps.accounts.platform_plans.counting import used_of
from apps.accounts.platform_plans.registry import current_plans
from apps.accounts.platform_plans.standings import Standing, standing_of


def has_feature(organization_id: UUID, feature: str) -> bool:
    """Tell whether an organization's plan includes a feature of `PlatformFeature`."""
    return PlatformFeature(feature) in standing_of(organization_id).plan.features


def limit_of(organization_id: UUID, limit: str) -> int | None:
    """Return how many an organization's plan allows of a `PlatformLimit`; None for as many as it likes."""
    return standing_of(organization_id).plan.limit_of(PlatformLimit(limit))


def require_feature(organization_id: UUID, feature: str, *, field: str = "") -> None:
    """Refuse what the organization's plan does not include.

    Raises:
        PlanRequired: 402 with the feature, the plan that it has, the one that it needs, and where to get it.
        PlanLapsed: the same, because the plan that included it has run out.
    """
    wanted = PlatformFeature(feature)
    standing = standing_of(organization_id)
    if wanted in standing.plan.features:
        return
    needed = current_plans().first_with(wanted)
    if standing.lapsed is not None and wanted in standing.lapsed.features:
        needed = standing.lapsed
        detail = _("%(feature)s: your plan %(plan)s has run out. Renew it to go on.") % {
            "feature": wanted.label,
            "plan": needed.name,
        }
        raise PlanLapsed(detail, field=field, **_members(standing, needed.key, feature=wanted))
    if needed is None:
        detail = _("%(feature)s: no plan of this marketplace includes it.")
    else:
        detail = _("%(feature)s: part of the plan %(needed)s. You have %(plan)s.")
    detail %= {
        "feature": wanted.label,
        "needed": needed.name if needed else "",
        "plan": standing.plan.name,
    }
    key = needed.key if needed else None
    raise PlanRequired(detail, field=field, **_members(standing, key, feature=wanted))


def require_room(
    organization_id: UUID, limit: str, *, field: str = "", used: int | None = None
) -> None:
    """Refuse one more than the organization's plan allows. What exists already stays, whatever the plan.

    The caller holds a lock under which `used` (default: what is counted for the whole organization) cannot grow.

    Raises:
        PlanLimitReached: 402, a larger plan allows more.
        LargestPlanReached: 409, no plan does.
    """
    wanted = PlatformLimit(limit)
    standing = standing_of(organization_id)
    most = standing.plan.limit_of(wanted)
    if most is None:
        return
    count = used_of(organization_id, wanted) if used is None else used
    if count < most:
        return
    needed = current_plans().first_allowing(wanted, count + 1)
    shown = {"limit": most, "what": wanted.label, "plan": standing.plan.name}
    members = {"limit": wanted.value, "max": most, "used": count}
    if needed is None:
        detail = _("%(what)s: at most %(limit)s, and no plan of this marketplace allows more.")
        raise LargestPlanReached(detail % shown, field=field, **_members(standing, None, **members))
    detail = _("%(what)s: your plan %(plan)s allows %(limit)s. The plan %(needed)s allows more.")
    raise PlanLimitReached(
        detail % {**shown, "needed": needed.name},
        field=field,
        **_members(standing, needed.key, **members),
    )


def upgrade_url(wanted: str = "") -> str:
    """Return the page on which an organization sees the plans; `wanted` is what it looks for."""
    query = f"?for={wanted}" if wanted else ""
    return f"{settings.PUBLIC_URL}{reverse('accounts:plan')}{query}"


def _members(standing: Standing, required: str | None, **members: Any) -> dict[str, Any]:
    """Return what a 402 says beside its words."""
    found: dict[str, Any] = {
        **members,
        "current_plan": standing.plan.key,
        "required_plan": required,
        "upgrade_url": upgrade_url(str(members.get("feature") or members.get("limit"))),
    }
    if standing.lapsed is not None:
        found["lapsed_plan"] = standing.lapsed.key
    return found
