"""The deadlines and the working hours that an operator sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from apps.accounts.enums import StaffRole
from apps.approvals.models import BusinessCalendar, SlaPolicy
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.exceptions import Forbidden, InvalidInput


@transaction.atomic
def set_sla_policy(*, policy: SlaPolicy, actor: Actor, before: Mapping[str, Any]) -> SlaPolicy:
    """Store a policy. Requests that are open keep the deadlines that they were given.

    `before` holds what the policy said; only its own terms are written to the audit trail.

    Raises:
        Forbidden: not an operator.
        ValidationError: terms that contradict each other, or a second policy for the same kind.
    """
    if not actor.has_staff_role(StaffRole.OPERATOR):
        raise Forbidden
    policy.full_clean()
    policy.save()
    after = policy.terms()
    known = {**before, "default_assignee_id": before.get("default_assignee")}
    record_audit(
        action="approvals:sla_policy:set",
        target=policy,
        actor=actor,
        before={name: known[name] for name in after if name in known},
        after=after,
    )
    return policy


@transaction.atomic
def set_business_calendar(*, calendar: BusinessCalendar, actor: Actor) -> BusinessCalendar:
    """Store the working hours. Deadlines that were given stay; new ones and pauses count with the new hours.

    Raises:
        Forbidden: not an operator.
        InvalidInput: naming the time zone, the hours or the holidays.
    """
    if not actor.has_staff_role(StaffRole.OPERATOR):
        raise Forbidden
    known = BusinessCalendar.objects.filter(pk=calendar.pk).first()
    try:
        calendar.full_clean()
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise InvalidInput(messages[0], field=field) from None
    calendar.save()
    record_audit(
        action="approvals:business_calendar:set",
        target=calendar,
        actor=actor,
        before=_terms(known) if known else {},
        after=_terms(calendar),
    )
    return calendar


def _terms(calendar: BusinessCalendar) -> dict[str, Any]:
    return {
        "timezone": calendar.timezone,
        "weekday_hours": calendar.weekday_hours,
        "holidays": calendar.holidays,
    }
