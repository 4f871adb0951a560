"""Holding back one organization for a time, so that the others are served."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import Organization
from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.events import publish
from apps.core.exceptions import RuleViolated
from apps.gateway.events import ThrottleApplied, ThrottleLifted
from apps.gateway.exceptions import AlreadyThrottled, ThrottleOver
from apps.gateway.models import TenantThrottle
from apps.gateway.services.wanting import want_entry
from apps.gateway.tenants import wanted_tenant

# What must hold longer is a matter of plans, or of stopping the organization.
LONGEST: Final = timedelta(days=30)


@transaction.atomic
def apply_throttle(
    *,
    organization: Organization,
    calls_per_second: int | None,
    calls_per_minute: int | None,
    reason: str,
    ends_at: datetime,
    actor: Actor,
) -> TenantThrottle:
    """Limit all calls of an organization until `ends_at` (real time); authorizers hear of it on commit.

    Raises:
        RuleViolated: no limit, no reason, or an end that is past or more than 30 days ahead.
        AlreadyThrottled: another throttle holds. Publishes: ThrottleApplied.
    """
    _require_sense(calls_per_second, calls_per_minute, reason, ends_at)
    # The lock makes "one at a time" true for two operators as well.
    organization = Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
    if TenantThrottle.objects.holding().filter(organization=organization).exists():
        raise AlreadyThrottled
    throttle = TenantThrottle.objects.create(
        organization=organization,
        calls_per_second=calls_per_second,
        calls_per_minute=calls_per_minute,
        reason=reason.strip(),
        ends_at=ends_at,
        created_by_id=actor.user_id,
    )
    want_entry(wanted_tenant(organization))
    record_audit(
        action="gateway:throttle:applied",
        target=throttle,
        actor=actor,
        organization_id=organization.pk,
        after={
            "calls_per_second": calls_per_second,
            "calls_per_minute": calls_per_minute,
            "ends_at": ends_at,
        },
        reason=throttle.reason,
    )
    publish(ThrottleApplied(throttle_id=throttle.pk, organization_id=organization.pk))
    return throttle


@transaction.atomic
def lift_throttle(*, throttle: TenantThrottle, actor: Actor, reason: str = "") -> TenantThrottle:
    """End a throttle before its time; authorizers hear of it on commit.

    Raises:
        ThrottleOver: it has ended already. Publishes: ThrottleLifted.
    """
    organization = Organization.objects.select_for_update(no_key=True).get(
        pk=throttle.organization_id
    )
    row = TenantThrottle.objects.select_for_update().get(pk=throttle.pk)
    if not row.is_holding:
        raise ThrottleOver
    row.lifted_at = clock.now()
    row.save(update_fields=["lifted_at", "updated_at"])
    want_entry(wanted_tenant(organization))
    record_audit(
        action="gateway:throttle:lifted",
        target=row,
        actor=actor,
        organization_id=organization.pk,
        before={"ends_at": row.ends_at},
        after={"lifted_at": row.lifted_at},
        reason=reason.strip(),
    )
    publish(ThrottleLifted(throttle_id=row.pk, organization_id=organization.pk))
    return row


def _require_sense(
    per_second: int | None, per_minute: int | None, reason: str, ends_at: datetime
) -> None:
    if per_second is None and per_minute is None:
        raise RuleViolated(
            _("Say how many calls may pass in a second or in a minute."), field="calls_per_second"
        )
    for field, value in (("calls_per_second", per_second), ("calls_per_minute", per_minute)):
        if value is not None and value < 1:
            raise RuleViolated(_("At least one call must be able to pass."), field=field)
    if not reason.strip():
        raise RuleViolated(_("Say why; the organization reads it."), field="reason")
    now = clock.now()
    if not now < ends_at <= now + LONGEST:
        raise RuleViolated(
            _("A throttle ends in the future, within %(days)s days.") % {"days": LONGEST.days},
            field="ends_at",
        )
