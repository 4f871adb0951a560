"""When a request must be answered, decided, escalated and given up: the SLA policies, applied."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from apps.approvals.business_hours import (
    BusinessHours,
    NoBusinessTimeError,
    add_business_time,
    business_time_between,
    parse_calendar,
)
from apps.approvals.enums import ApprovalStatus, Priority
from apps.approvals.models import ApprovalRequest, BusinessCalendar, SlaPolicy
from apps.core import clock

CALENDAR_NAME: Final = "default"
# Used where the operator deleted the policies that the migrations seeded.
FALLBACK_RESOLUTION_HOURS: Final = 72


@dataclass(frozen=True, slots=True)
class Pause:
    """A time in which the requester was asked and no deadline came nearer."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Deadlines:
    """What a policy makes of a request's start."""

    due_at: datetime
    response_due_at: datetime | None
    escalate_at: datetime
    expires_at: datetime | None
    escalate_to: str
    uses_business_hours: bool

    def as_fields(self) -> dict[str, Any]:
        """Return the columns of a request that they fill."""
        return {name: getattr(self, name) for name in self.__slots__}


def find_policy(subject_type: str, priority: Priority | str) -> SlaPolicy:
    """Return the policy of a subject type and priority, else the default one of that priority."""
    rows = SlaPolicy.objects.filter(
        subject_type__in=("", subject_type), priority=priority
    ).select_related("default_assignee")
    found = rows.order_by("-subject_type").first()
    return found or SlaPolicy(priority=priority, resolution_hours=FALLBACK_RESOLUTION_HOURS)


def deadlines_for(
    policy: SlaPolicy, *, start: datetime, pauses: tuple[Pause, ...] = ()
) -> Deadlines:
    """Return the deadlines of a request made at `start`; pauses, oldest first, put them off.

    Expiry is no promise to the requester: it counts days of the wall clock, pauses included.
    """
    hours = _hours_where(uses_business_hours=policy.uses_business_hours)

    def after(count: int) -> datetime:
        instant = _advance(start, timedelta(hours=count), hours)
        for pause in pauses:
            instant = _put_off(instant, pause, hours)
        return instant

    due_at = after(policy.resolution_hours)
    days = policy.expires_after_days
    return Deadlines(
        due_at=due_at,
        response_due_at=None if policy.response_hours is None else after(policy.response_hours),
        escalate_at=due_at
        if policy.escalate_after_hours is None
        else after(policy.escalate_after_hours),
        expires_at=None if days is None else start + timedelta(days=days),
        escalate_to=policy.escalate_to,
        uses_business_hours=policy.uses_business_hours,
    )


def resumed(request: ApprovalRequest) -> dict[str, Any]:
    """Return the columns that change when a waiting request goes on: its deadlines, put off by the pause."""
    if request.waiting_since is None:
        return {}
    pause = Pause(request.waiting_since, clock.now())
    hours = _hours_where(uses_business_hours=request.uses_business_hours)
    changes: dict[str, Any] = {
        "waiting_since": None,
        "due_at": _put_off(request.due_at, pause, hours),
    }
    if request.response_due_at and request.first_response_at is None:
        changes["response_due_at"] = _put_off(request.response_due_at, pause, hours)
    if request.escalate_at:
        changes["escalate_at"] = _put_off(request.escalate_at, pause, hours)
    return changes


def pauses_of(request: ApprovalRequest) -> tuple[Pause, ...]:
    """Return the past pauses of a request, oldest first, from its history."""
    rows = request.history.filter(
        action=ApprovalStatus.PENDING, before__waiting_since__isnull=False
    ).order_by("created_at", "id")
    return tuple(
        Pause(datetime.fromisoformat(row.before["waiting_since"]), row.created_at) for row in rows
    )


def recomputed(request: ApprovalRequest, priority: Priority | str) -> dict[str, Any]:
    """Return the columns that change when an open request gets another priority."""
    policy = find_policy(request.subject_type, priority)
    found = deadlines_for(policy, start=request.created_at, pauses=pauses_of(request))
    changes = found.as_fields()
    if found.due_at > clock.now():
        changes["breached_at"] = None
    if found.response_due_at and found.response_due_at > clock.now():
        changes["response_breached_at"] = None
    return changes


def get_calendar() -> BusinessCalendar:
    """Return the default calendar; a deleted one counts as nine to five, UTC."""
    return BusinessCalendar.objects.filter(name=CALENDAR_NAME).first() or BusinessCalendar()


def get_business_hours() -> BusinessHours:
    """Return the default calendar in the form that computes."""
    calendar = get_calendar()
    return parse_calendar(
        timezone=calendar.timezone,
        weekday_hours=calendar.weekday_hours,
        holidays=calendar.holidays,
    )


def _hours_where(*, uses_business_hours: bool) -> BusinessHours | None:
    return get_business_hours() if uses_business_hours else None


def _advance(start: datetime, duration: timedelta, hours: BusinessHours | None) -> datetime:
    if hours is None:
        return start + duration
    try:
        return add_business_time(hours, start, duration)
    except NoBusinessTimeError:
        return start + duration


def _put_off(instant: datetime, pause: Pause, hours: BusinessHours | None) -> datetime:
    """Keep what was left of a deadline when the pause began; what was over already stays so."""
    if instant <= pause.start:
        return instant
    left = (
        instant - pause.start
        if hours is None
        else business_time_between(hours, pause.start, instant)
    )
    return _advance(pause.end, left, hours)
