"""Reads of moves of subscribers to a newer version."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from apps.core.exceptions import NotFound
from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.pricing.models import Plan
from apps.subscriptions.enums import MoveStepStatus, SubscriptionStatus
from apps.subscriptions.models import MoveStep, PlanMove, Subscription


@dataclass(frozen=True, slots=True)
class MoveProgress:
    """How far a move is: subscriptions that moved, that wait for their period's end, and that left before."""

    moved: int
    waiting: int
    left: int


def subscribers_to_move(plan_id: UUID, number: int) -> QuerySet[Subscription]:
    """Return the started subscriptions of a plan that go on and are on a version before `number`."""
    rows = Subscription.objects.live().exclude(status=SubscriptionStatus.PENDING_APPROVAL)
    return rows.filter(
        plan_id=plan_id, price_version__number__lt=number, cancel_at_period_end=False
    )


def count_by_version(plan: Plan) -> dict[int, int]:
    """Return how many subscriptions that go on are on each version of a plan. One query."""
    rows = Subscription.objects.live().filter(plan=plan, cancel_at_period_end=False).order_by()
    return dict(rows.values_list("price_version__number").annotate(Count("id")))


def list_moves(plan: Plan) -> QuerySet[PlanMove]:
    """Return the moves of a plan's subscribers, newest first."""
    return plan.moves.select_related("plan")


def get_move(plan: Plan, public_id: str) -> PlanMove:
    """Return one move of a plan's subscribers.

    Raises:
        NotFound: unknown, or of another plan.
    """
    try:
        key = parse_public_id(PlanMove.id_prefix, public_id)
    except InvalidPublicIdError:
        raise NotFound from None
    move = list_moves(plan).filter(pk=key).first()
    if move is None:
        raise NotFound
    return move


def progress_of(moves: Iterable[PlanMove]) -> dict[UUID, MoveProgress]:
    """Return how far each move is. One query."""
    ids = [move.pk for move in moves]
    each = Count("subscription", distinct=True)
    rows = (
        MoveStep.objects.filter(move__in=ids)
        .order_by()
        .values("move")
        .annotate(
            whole=each,
            moved=Count("subscription", distinct=True, filter=Q(status=MoveStepStatus.APPLIED)),
            waiting=Count("subscription", distinct=True, filter=Q(status=MoveStepStatus.WAITING)),
        )
    )
    found = {
        row["move"]: MoveProgress(
            row["moved"], row["waiting"], max(0, row["whole"] - row["moved"] - row["waiting"])
        )
        for row in rows
    }
    return {key: found.get(key, MoveProgress(0, 0, 0)) for key in ids}


def find_coming_move(subscription: Subscription) -> MoveStep | None:
    """Return the step to a newer version that waits for a subscription, if its provider moves it."""
    rows = MoveStep.objects.filter(subscription=subscription, status=MoveStepStatus.WAITING)
    return rows.select_related("move", "price_version").first()
