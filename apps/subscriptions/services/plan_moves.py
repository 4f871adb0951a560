"""Moving the subscribers of a plan to a newer version, with notice.

A move names the version and the day. Each subscriber gets a step, which takes effect when its period ends on or after that
day: the next period opens on the new version.

Source: docs/domain/plans.md.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.events import publish
from apps.core.querysets import only_of
from apps.pricing.exceptions import CurrencyNotOffered
from apps.pricing.models import Plan, PriceVersion
from apps.subscriptions.calendar import numbered_period, period_at, period_number_at
from apps.subscriptions.enums import (
    LIVE_STATUSES,
    MoveStepStatus,
    PlanMoveStatus,
    SubscriptionStatus,
)
from apps.subscriptions.events import (
    PlanMoveAnnounced,
    VersionMoveCalledOff,
    VersionMoved,
    VersionMoveScheduled,
)
from apps.subscriptions.exceptions import (
    MoveAlreadyRunning,
    MoveNotRunning,
    MoveTooSoon,
    NobodyToMove,
    NotPublished,
    OtherPeriods,
)
from apps.subscriptions.models import MoveStep, PlanMove, Subscription
from apps.subscriptions.periods import local_date
from apps.subscriptions.plan_moves import subscribers_to_move
from apps.subscriptions.services.changes import Cause, lock_subscription, save_change, snapshot


@transaction.atomic
def move_subscribers(
    *, plan: Plan, version: PriceVersion, moves_on: date, actor: Actor
) -> PlanMove:
    """Announce that subscribers of earlier versions come to this one when their periods end on or after a day.

    Publishes PlanMoveAnnounced; each subscriber is planned, and told, right after.

    Raises:
        NotPublished: the version is a draft.
        MoveTooSoon: subscribers need `PLAN_MOVE_NOTICE_DAYS` days of notice; names `moves_on`.
        MoveAlreadyRunning: another move of the plan's subscribers runs.
        NobodyToMove: nobody is on an earlier version.
        CurrencyNotOffered: the version has no price in a currency that a subscriber pays in.
        OtherPeriods: its periods are not those of the versions that subscribers are on.
    """
    plan = Plan.objects.lock(plan.pk)
    if version.published_at is None:
        raise NotPublished(field="version")
    _require_notice(plan, moves_on)
    if PlanMove.objects.filter(plan=plan, status=PlanMoveStatus.RUNNING).exists():
        raise MoveAlreadyRunning
    _require_fit(plan, version)
    move = PlanMove.objects.create(
        organization_id=plan.organization_id,
        plan=plan,
        number=version.number,
        moves_on=moves_on,
        actor_user_id=actor.user_id,
    )
    record_audit(
        action="subscriptions:plan_move:announced",
        target=move,
        actor=actor,
        after={"plan": plan.public_id, "number": move.number, "moves_on": moves_on.isoformat()},
    )
    publish(PlanMoveAnnounced(move_id=move.pk, plan_id=plan.pk))
    return move


@transaction.atomic
def call_off_move(*, move: PlanMove, actor: Actor) -> PlanMove:
    """Stop a move: who has not been moved stays where it is, and hears of it; who has been moved stays moved.

    Raises:
        MoveNotRunning: it is over, or was called off.
    """
    move = PlanMove.objects.lock(move.pk)
    if move.status != PlanMoveStatus.RUNNING:
        raise MoveNotRunning
    waiting = move.steps.filter(status=MoveStepStatus.WAITING)
    # In one order, so that two never wait for each other.
    for step in waiting.order_by("subscription_id"):
        subscription = lock_subscription(step.subscription_id)
        if not _settle_step(step, MoveStepStatus.DROPPED):
            continue
        save_change(
            subscription,
            before=snapshot(subscription),
            cause=Cause(kind="move_called_off", actor=actor),
            event=VersionMoveCalledOff,
            step_id=step.pk,
        )
    _settle(move, PlanMoveStatus.CALLED_OFF, actor)
    return move


def plan_moves(*, actor: Actor, move_id: UUID | None = None) -> dict[str, int]:
    """Plan the step of each subscriber of running moves (of one, or of all), and finish moves that are through.

    Idempotent; each subscriber is a transaction of its own. It also finds whoever came back into reach of a move,
    such as by taking a cancellation back. Returns counts: `planned`, `finished`.
    """
    moves = PlanMove.objects.filter(status=PlanMoveStatus.RUNNING).select_related("plan")
    if move_id is not None:
        moves = moves.filter(pk=move_id)
    counts = {"planned": 0, "finished": 0}
    for move in moves:
        rows = subscribers_to_move(move.plan_id, move.number)
        _drop_steps_of_others(move)
        idle = rows.exclude(move_steps__status=MoveStepStatus.WAITING)
        for subscription_id in list(idle.values_list("pk", flat=True)):
            counts["planned"] += _plan_step(move, subscription_id, actor)
        counts["finished"] += _finish(move, actor)
    return counts


@transaction.atomic
def _plan_step(move: PlanMove, subscription_id: UUID, actor: Actor) -> bool:
    # The move first, as in `call_off_move`: nothing is planned behind its back.
    is_running = PlanMove.objects.lock(move.pk).status == PlanMoveStatus.RUNNING
    subscription = lock_subscription(subscription_id)
    waiting = subscription.move_steps.filter(status=MoveStepStatus.WAITING)
    if not is_running or not _is_movable(subscription, move) or waiting.exists():
        return False
    target = PriceVersion.objects.get(
        plan_id=move.plan_id,
        number=move.number,
        currency=subscription.price_version.currency,
    )
    step = MoveStep.objects.create(
        move=move,
        subscription=subscription,
        price_version=target,
        due_at=_due_at(subscription, move.moves_on),
    )
    save_change(
        subscription,
        before=snapshot(subscription),
        cause=Cause(kind="move_scheduled", actor=actor),
        event=VersionMoveScheduled,
        step_id=step.pk,
        due_at=step.due_at,
    )
    return True


def apply_due_moves(*, actor: Actor, organization_id: UUID | None = None) -> int:
    """Move the subscriptions whose day has come by their account's clock; return how many. Only one consumer's where it is named.

    Idempotent: each is locked and looked at again. Publishes VersionMoved.
    """
    now_there = clock.now() + F("subscription__consumer_organization__clock_offset")
    due = MoveStep.objects.filter(status=MoveStepStatus.WAITING, due_at__lte=now_there)
    due = only_of(due, organization_id, field="subscription__consumer_organization_id")
    rows = list(due.order_by("due_at", "id").values_list("subscription_id", flat=True))
    return sum(apply_due_move(subscription_id=key, boundary=None, actor=actor) for key in rows)


@transaction.atomic
def apply_due_move(*, subscription_id: UUID, boundary: datetime | None, actor: Actor) -> bool:
    """Move a subscription at the boundary of two of its periods, if its step is due there; return whether it was moved.

    Args:
        boundary: the end of the period that is closing; None: the beginning of the one that runs now.
    Publishes VersionMoved.
    """
    subscription = lock_subscription(subscription_id)
    rows = MoveStep.objects.filter(subscription=subscription, status=MoveStepStatus.WAITING)
    step = rows.select_related("move", "price_version").first()
    if step is None:
        return False
    now = clock.business_now(subscription.consumer_organization)
    running = period_at(subscription, now)
    at = boundary or running.start
    if local_date(at, subscription.timezone) < step.move.moves_on:
        # The account has moved to another time zone since: the period ends later than it was going to.
        step.due_at = _due_at(subscription, step.move.moves_on)
        step.save(update_fields=["due_at", "updated_at"])
        return False
    if not _is_movable(subscription, step.move):
        _settle_step(step, MoveStepStatus.DROPPED)
        return False
    before = snapshot(subscription)
    _settle_step(step, MoveStepStatus.APPLIED)
    subscription.price_version = step.price_version
    save_change(
        subscription,
        before=before,
        cause=Cause(kind="version_moved", actor=actor),
        event=VersionMoved,
        step_id=step.pk,
    )
    return True


def _is_movable(subscription: Subscription, move: PlanMove) -> bool:
    return (
        subscription.status in LIVE_STATUSES
        and subscription.status != SubscriptionStatus.PENDING_APPROVAL
        and subscription.plan_id == move.plan_id
        and subscription.price_version.number < move.number
        and not subscription.cancel_at_period_end
    )


def _drop_steps_of_others(move: PlanMove) -> None:
    """Let go of the steps of subscriptions that left: they end, or are on another plan by now."""
    movable = subscribers_to_move(move.plan_id, move.number)
    waiting = move.steps.filter(status=MoveStepStatus.WAITING)
    for step in waiting.exclude(subscription__in=movable):
        _settle_step(step, MoveStepStatus.DROPPED)


def _settle_step(step: MoveStep, status: MoveStepStatus) -> bool:
    """Give a waiting step its end; False where it has one already."""
    now = clock.now()
    rows = MoveStep.objects.filter(pk=step.pk, status=MoveStepStatus.WAITING)
    return bool(rows.update(status=status, settled_at=now, updated_at=now))


def _due_at(subscription: Subscription, moves_on: date) -> datetime:
    """Return the first end of a period that lies ahead and not before the day, in the subscription's time zone."""
    now = clock.business_now(subscription.consumer_organization)
    number = period_number_at(subscription, now)
    while local_date(numbered_period(subscription, number).end, subscription.timezone) < moves_on:
        number += 1
    return numbered_period(subscription, number).end


@transaction.atomic
def _finish(move: PlanMove, actor: Actor) -> bool:
    move = PlanMove.objects.lock(move.pk)
    is_over = not subscribers_to_move(move.plan_id, move.number).exists()
    if move.status != PlanMoveStatus.RUNNING or not is_over:
        return False
    _settle(move, PlanMoveStatus.DONE, actor)
    return True


def _settle(move: PlanMove, status: PlanMoveStatus, actor: Actor) -> None:
    before, move.status, move.settled_at = move.status, status, clock.now()
    move.save(update_fields=["status", "settled_at", "updated_at"])
    record_audit(
        action=f"subscriptions:plan_move:{status}",
        target=move,
        actor=actor,
        before={"status": before},
        after={"status": status},
    )


def _require_notice(plan: Plan, moves_on: date) -> None:
    days = settings.PLAN_MOVE_NOTICE_DAYS
    earliest = local_date(clock.now(), plan.organization.timezone) + timedelta(days=days)
    if moves_on < earliest:
        detail = _("Subscribers need %(days)s days of notice: choose %(day)s or a later day.")
        raise MoveTooSoon(detail % {"days": days, "day": earliest.isoformat()}, field="moves_on")


def _require_fit(plan: Plan, version: PriceVersion) -> None:
    """Refuse a version that nobody waits for, that lacks a currency, or whose periods are others."""
    rows = subscribers_to_move(plan.pk, version.number).order_by()
    paid_in = set(rows.values_list("price_version__currency", flat=True))
    if not paid_in:
        raise NobodyToMove
    offered = plan.versions.filter(number=version.number).values_list("currency", flat=True)
    missing = sorted(paid_in - set(offered))
    if missing:
        detail = _("Subscribers pay in %(currencies)s, in which this version has no price.")
        raise CurrencyNotOffered(detail % {"currencies": ", ".join(missing)}, field="version")
    names = ("interval", "interval_count", "alignment")
    periods = set(rows.values_list(*(f"price_version__{name}" for name in names)))
    if periods != {tuple(getattr(version, name) for name in names)}:
        raise OtherPeriods(field="version")
