"""A sandbox's test clock: it goes forward, and what falls due on the way happens in its order.

A jump is a row. Where nothing falls due on the way, the clock arrives at once. Else the relay takes it from one due moment to
the next, one outbox message for each, so that what a moment causes (mails, webhooks, payments) is delivered before the next one.

Source: docs/domain/test-clock.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.clock_jumps import ClockJump
from apps.accounts.enums import JumpStatus
from apps.accounts.events import ClockAdvanced
from apps.accounts.exceptions import ClockBackwards, ClockIsAdvancing, NotASandbox
from apps.accounts.models import Organization
from apps.accounts.timed_work import next_moment, timed_works
from apps.core import clock, outbox
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.events import publish
from apps.core.exceptions import RuleViolated

MAX_CLOCK_OFFSET: Final = timedelta(days=3 * 366)
STEP_TOPIC: Final = "accounts.clock_step"
WAIT: Final = timedelta(seconds=1)
KEPT_LINES: Final = 500
# Work that brings about more work at the same moment is done again; none of ours does so this often.
MAX_ROUNDS: Final = 20


class Step(StrEnum):
    """What a step of a jump came to."""

    MOVED = "moved"
    WAITING = "waiting"
    ARRIVED = "arrived"


@dataclass(frozen=True, slots=True)
class StepTaken:
    """A step: what it came to, at which moment of business time, and what happened there, by kind of work."""

    outcome: Step
    at: datetime
    happened: dict[str, int]


@transaction.atomic
def advance_clock(
    *,
    organization: Organization,
    actor: Actor,
    by: timedelta | None = None,
    to: datetime | None = None,
) -> Organization:
    """Move a sandbox's test clock forward, by a span or to a moment.

    What falls due on the way happens in its order, at its own time, in this organization alone. It takes a while:
    `get_clock_jump` tells how far the clock is. Where nothing is due the clock has arrived when this returns.

    Raises:
        NotASandbox: every other organization lives in real time.
        ClockIsAdvancing: an earlier jump has not arrived.
        ClockBackwards: the new time is not later than the organization's present one.
        RuleViolated: neither or both of `by` and `to`, or more than three years ahead.
    Publishes: ClockAdvanced, when it has arrived.
    """
    if (by is None) == (to is None):
        raise RuleViolated(_("Say either by how much or to which time the clock moves."))
    organization = Organization.objects.lock(organization.pk)
    if not organization.is_sandbox:
        raise NotASandbox
    running = get_clock_jump(organization)
    if running is not None and running.is_advancing:
        raise ClockIsAdvancing(reached=running.reached_at.isoformat())
    before = clock.business_now(organization)
    step = by if by is not None else (to or before) - before
    if step <= timedelta(0):
        raise ClockBackwards(now=before.isoformat())
    if organization.clock_offset + step > MAX_CLOCK_OFFSET:
        raise RuleViolated(_("The test clock can run at most three years ahead."))
    jump = ClockJump.objects.create(
        organization=organization,
        from_time=before,
        to_time=before + step,
        reached_at=before,
        final_offset=organization.clock_offset + step,
    )
    record_audit(
        action="accounts:clock:advanced",
        target=organization,
        actor=actor,
        organization_id=organization.pk,
        before={"time": before},
        after={"time": jump.to_time},
    )
    if _next_stop(jump, organization) is None:
        _arrive(jump, organization)
    else:
        _enqueue_step(jump)
    return organization


def get_clock_jump(organization: Organization) -> ClockJump | None:
    """Return the newest move of an organization's clock: the running one, if there is one."""
    return ClockJump.objects.filter(organization=organization).order_by("-id").first()


def take_clock_step(*, jump_id: UUID) -> StepTaken:
    """Take a jump to the next moment at which something falls due, and let it happen; or let the jump arrive.

    May be called by several at once and again after a crash: work that is done is not done twice.
    """
    moment = _move_to_next_stop(jump_id)
    jump = ClockJump.objects.select_related("organization").get(pk=jump_id)
    if moment is None:
        return StepTaken(Step.ARRIVED, jump.reached_at, {})
    happened = _let_happen(jump.organization)
    waiting = next((work for work in timed_works() if work.waits(jump.organization)), None)
    _note_step(jump_id, moment, happened, waits_for=waiting.name if waiting else "")
    return StepTaken(Step.WAITING if waiting else Step.MOVED, moment, happened)


@outbox.handles(STEP_TOPIC)
def carry_clock_on(payload: dict[str, Any]) -> None:
    """Take one step of a jump, and ask for the next one."""
    jump_id = UUID(payload["jump_id"])
    try:
        taken = take_clock_step(jump_id=jump_id)
    except Exception as error:
        ClockJump.objects.filter(pk=jump_id).update(error=f"{type(error).__name__}: {error}"[:500])
        raise
    if taken.outcome is Step.ARRIVED:
        return
    with transaction.atomic():
        jump = ClockJump.objects.get(pk=jump_id)
        _enqueue_step(jump, delay=WAIT if taken.outcome is Step.WAITING else timedelta(0))


def _enqueue_step(jump: ClockJump, *, delay: timedelta = timedelta(0)) -> None:
    payload = {"jump_id": str(jump.pk)}
    outbox.enqueue(STEP_TOPIC, payload, key=f"clock:{jump.organization_id}", delay=delay)


def _next_stop(jump: ClockJump, organization: Organization) -> datetime | None:
    """Return the next moment on the way at which something is due."""
    moment = next_moment(organization, jump.handled_until)
    if moment is None or moment > clock.now() + jump.final_offset:
        return None
    return moment


@transaction.atomic
def _move_to_next_stop(jump_id: UUID) -> datetime | None:
    """Set the clock to the next due moment; where there is none left, to its aim."""
    jump = ClockJump.objects.lock(jump_id)
    if not jump.is_advancing:
        return None
    organization = Organization.objects.lock(jump.organization_id)
    moment = _next_stop(jump, organization)
    if moment is None:
        _arrive(jump, organization)
        return None
    _set_offset(organization, min(moment - clock.now(), jump.final_offset))
    return moment


def _set_offset(organization: Organization, offset: timedelta) -> None:
    """Move the clock; never back, where the moment is past already."""
    if offset > organization.clock_offset:
        organization.clock_offset = offset
        organization.save(update_fields=["clock_offset", "updated_at"])


def _let_happen(organization: Organization) -> dict[str, int]:
    """Do what is due now, in the order of turns, until nothing is left; return how much of each."""
    happened: dict[str, int] = {}
    for _round in range(MAX_ROUNDS):
        was_quiet = True
        for work in timed_works():
            count = work.happen(organization)
            if count:
                was_quiet = False
                happened[work.name] = happened.get(work.name, 0) + count
        if was_quiet:
            break
    return happened


@transaction.atomic
def _note_step(
    jump_id: UUID, moment: datetime, happened: dict[str, int], *, waits_for: str
) -> None:
    jump = ClockJump.objects.lock(jump_id)
    lines = [
        {"at": moment.isoformat(), "work": name, "count": count} for name, count in happened.items()
    ]
    jump.happened = [*jump.happened, *lines][-KEPT_LINES:]
    jump.waits_for, jump.error = waits_for, ""
    jump.reached_at = max(jump.reached_at, moment)
    if not waits_for:
        jump.handled_until = max(filter(None, (jump.handled_until, moment)))
    jump.save()


def _arrive(jump: ClockJump, organization: Organization) -> None:
    _set_offset(organization, jump.final_offset)
    jump.status, jump.reached_at = JumpStatus.DONE, jump.to_time
    jump.waits_for, jump.error, jump.finished_at = "", "", clock.now()
    jump.save()
    event = ClockAdvanced(
        organization_id=organization.pk, from_time=jump.from_time, to_time=jump.to_time
    )
    publish(event, key=str(organization.pk))
