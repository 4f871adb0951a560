"""Telling subscribers, people and programs, that their provider moves them to a newer version, or no longer does."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.core.actors import Actor
from apps.core.events import receives
from apps.notifications.kinds import NotificationKind, register_kinds
from apps.notifications.services import Message, notify_members
from apps.notifications.webhooks import WebhookEventType, publish_webhook, register_event_types
from apps.subscriptions.events import (
    PlanMoveAnnounced,
    VersionMoveCalledOff,
    VersionMoved,
    VersionMoveScheduled,
)
from apps.subscriptions.models import MoveStep
from apps.subscriptions.periods import local_date
from apps.subscriptions.services.plan_moves import plan_moves

MANAGE: Final = "subscriptions.manage"
MOVES: Final = NotificationKind(
    name="subscriptions.version_move",
    title=_("The plan %(plan)s of %(name)s changes for you on %(day)s"),
    body=_(
        "Its provider moves you to version %(number)s. See what changes, or cancel before that day."
    ),
    tone="warn",
    is_important=True,
    action_label=_("See what changes"),
)
CALLED_OFF: Final = NotificationKind(
    name="subscriptions.version_move_called_off",
    title=_("The plan %(plan)s of %(name)s stays as it is for you"),
    body=_("Its provider called the move to version %(number)s off."),
    tone="info",
    action_label=_("Open the subscription"),
)
_EXAMPLE: Final[dict[str, Any]] = {
    "id": "sub_01jd0zq6f8e9xvgq0t4f3m2n1q",
    "api": "weather",
    "plan": "Basic",
    "version": 3,
    "price_version": "prv_01jd0zq6f8e9xvgq0t4f3m2n1q",
    "moves_at": "2027-03-31T00:00:00+00:00",
}
MOVE_SCHEDULED: Final = WebhookEventType(
    "subscription.version_move_scheduled",
    _("The provider moves a subscription to a newer version of its plan at the given time."),
    _EXAMPLE,
)
MOVE_CALLED_OFF: Final = WebhookEventType(
    "subscription.version_move_called_off",
    _("The provider called the move of a subscription to a newer version off."),
    _EXAMPLE,
)
MOVED: Final = WebhookEventType(
    "subscription.version_moved",
    _(
        "A subscription is on a newer version of its plan from now on, because its provider moved it."
    ),
    _EXAMPLE,
)
register_kinds(MOVES, CALLED_OFF)
register_event_types(MOVE_SCHEDULED, MOVE_CALLED_OFF, MOVED)


@receives(PlanMoveAnnounced)
def plan_the_steps(event: PlanMoveAnnounced) -> None:
    """Plan each subscriber's step; the job finishes what this leaves."""
    plan_moves(actor=Actor.system("subscriptions.plan_moves"), move_id=event.move_id)


@receives(VersionMoveScheduled)
def tell_subscriber(event: VersionMoveScheduled) -> None:
    """Tell the day, and where to see what changes."""
    step = _step(event.step_id)
    if step is not None:
        day = local_date(step.due_at, step.subscription.timezone).isoformat()
        _tell(step, MOVES, "portal:subscription_move", day=day)


@receives(VersionMoveCalledOff)
def tell_subscriber_that_it_stays(event: VersionMoveCalledOff) -> None:
    """Tell that the provider called the move off."""
    step = _step(event.step_id)
    if step is not None:
        _tell(step, CALLED_OFF, "portal:subscription")


@receives(VersionMoveScheduled, in_transaction=True)
def publish_scheduled(event: VersionMoveScheduled) -> None:
    """Tell the subscriber's programs."""
    step = _step(event.step_id)
    if step is not None:
        _publish(step, MOVE_SCHEDULED)


@receives(VersionMoveCalledOff, in_transaction=True)
def publish_called_off(event: VersionMoveCalledOff) -> None:
    """Tell the subscriber's programs."""
    step = _step(event.step_id)
    if step is not None:
        _publish(step, MOVE_CALLED_OFF)


@receives(VersionMoved, in_transaction=True)
def publish_moved(event: VersionMoved) -> None:
    """Tell the subscriber's programs."""
    step = _step(event.step_id)
    if step is not None:
        _publish(step, MOVED)


def _step(step_id: UUID) -> MoveStep | None:
    rows = MoveStep.objects.select_related(
        "move",
        "price_version",
        "subscription__api",
        "subscription__plan",
        "subscription__consumer_organization",
    )
    return rows.filter(pk=step_id).first()


def _tell(step: MoveStep, kind: NotificationKind, route: str, **context: Any) -> None:
    subscription = step.subscription
    message = Message(
        kind=kind.name,
        dedupe_key=f"{kind.name}:{step.pk}",
        url=reverse(route, args=[subscription.public_id]),
        context={
            "name": subscription.api.name,
            "plan": subscription.plan.name,
            "number": step.price_version.number,
            **context,
        },
    )
    notify_members(
        organization=subscription.consumer_organization, permission=MANAGE, message=message
    )


def _publish(step: MoveStep, event_type: WebhookEventType) -> None:
    subscription = step.subscription
    publish_webhook(
        organization=subscription.consumer_organization,
        event_type=event_type.name,
        dedupe_key=f"{event_type.name}:{step.public_id}",
        data={
            "id": subscription.public_id,
            "api": subscription.api.slug,
            "plan": subscription.plan.name,
            "version": step.price_version.number,
            "price_version": step.price_version.public_id,
            "moves_at": step.due_at.isoformat(),
        },
    )
