"""Giving organizations one of the platform's own plans."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.events import PlatformPlanChanged
from apps.accounts.exceptions import UnknownPlatformPlan
from apps.accounts.models import Organization
from apps.accounts.platform_plans.registry import current_plans
from apps.accounts.platform_plans.standings import remember
from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.events import publish
from apps.core.exceptions import RuleViolated


@transaction.atomic
def set_platform_plan(
    *,
    organization: Organization,
    plan: str,
    actor: Actor,
    reason: str,
    until: datetime | None = None,
) -> Organization:
    """Give an organization a plan (empty: the default one), for good or until an instant; it holds at once everywhere.

    What the organization already has beyond the new plan's limits stays; it can only not have more.

    Raises:
        UnknownPlatformPlan: the file has no such plan.
        RuleViolated: `until` is over, or stands without a plan; or no reason is given.

    Publishes: PlatformPlanChanged.
    """
    reason = reason.strip()
    if not reason:
        raise RuleViolated(_("Say why."), field="reason")
    if plan and current_plans().find(plan) is None:
        raise UnknownPlatformPlan(field="plan")
    if until is not None and not plan:
        raise RuleViolated(_("The default plan has no end."), field="until")
    if until is not None and until <= clock.now():
        raise RuleViolated(_("Choose a time that is still to come."), field="until")
    organization = Organization.objects.lock(organization.pk)
    before = _facts(organization)
    organization.platform_plan, organization.platform_plan_until = plan, until
    organization.save(update_fields=["platform_plan", "platform_plan_until", "updated_at"])
    record_audit(
        action="accounts:organization:platform_plan_changed",
        target=organization,
        actor=actor,
        organization_id=organization.pk,
        before=before,
        after=_facts(organization),
        reason=reason,
    )
    publish(PlatformPlanChanged(organization_id=organization.pk, plan=plan))
    transaction.on_commit(partial(remember, organization.pk))
    return organization


def _facts(organization: Organization) -> dict[str, object]:
    return {
        "platform_plan": organization.platform_plan,
        "platform_plan_until": organization.platform_plan_until,
    }
