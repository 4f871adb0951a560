"""Telling subscribers, people and programs, what became of a change of plan; a planned one happens while nobody looks.

Source: docs/domain/plan-changes.md.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.core.events import receives
from apps.notifications.kinds import NotificationKind, register_kinds
from apps.notifications.services import Message, notify_members
from apps.notifications.webhooks import WebhookEventType, publish_webhook, register_event_types
from apps.pricing.enums import PlanStatus
from apps.subscriptions.enums import ENDED_STATUSES, PlannedChangeStatus
from apps.subscriptions.events import PlanChanged, PlanChangeWithdrawn
from apps.subscriptions.models import PlannedChange, Subscription, SubscriptionChange
from apps.subscriptions.periods import local_date

MANAGE: Final = "subscriptions.manage"
APPLIED: Final = NotificationKind(
    name="subscriptions.plan_change_applied",
    title=_("%(name)s is on the plan %(plan)s from %(day)s on"),
    body=_("The change that was planned has taken effect. See what it costs and allows."),
    tone="ok",
    is_important=True,
    action_label=_("Open the subscription"),
)
DROPPED: Final = NotificationKind(
    name="subscriptions.plan_change_dropped",
    title=_("%(name)s does not change to the plan %(plan)s"),
    body=_("Its provider closed that plan. Your present plan goes on; you may choose another one."),
    tone="warn",
    is_important=True,
    action_label=_("Open the subscription"),
)
_EXAMPLE: Final[dict[str, Any]] = {
    "id": "sub_01jd0zq6f8e9xvgq0t4f3m2n1q",
    "api": "weather",
    "plan": "Pro",
    "price_version": "prv_01jd0zq6f8e9xvgq0t4f3m2n1q",
    "quantity": 1,
}
CHANGED: Final = WebhookEventType(
    "subscription.plan_changed",
    _("A subscription is on another plan, price or quantity from the given time on."),
    {**_EXAMPLE, "was_planned": True, "effective_at": "2027-03-31T00:00:00+00:00"},
)
CHANGE_DROPPED: Final = WebhookEventType(
    "subscription.plan_change_dropped",
    _("A planned change of a subscription will not happen, for the given reason."),
    {
        **_EXAMPLE,
        "due_at": "2027-03-31T00:00:00+00:00",
        "reason": "It cannot be done any more.",
    },
)
register_kinds(APPLIED, DROPPED)
register_event_types(CHANGED, CHANGE_DROPPED)


@receives(PlanChanged)
def tell_that_it_changed(event: PlanChanged) -> None:
    """Tell that a planned change took effect; who changes at once sees it happen."""
    if event.planned_change_id is None:
        return
    planned = _planned(event.planned_change_id)
    if planned is not None:
        day = local_date(planned.due_at, planned.subscription.timezone).isoformat()
        _tell(planned, APPLIED, day=day)


@receives(PlanChangeWithdrawn)
def tell_that_it_stays(event: PlanChangeWithdrawn) -> None:
    """Tell that a planned change was dropped; who took it back or cancelled knows."""
    planned = _dropped(event)
    if planned is None or planned.plan.status != PlanStatus.CLOSED:
        return
    subscription = planned.subscription
    if subscription.status not in ENDED_STATUSES and not subscription.cancel_at_period_end:
        _tell(planned, DROPPED)


@receives(PlanChanged, in_transaction=True)
def publish_changed(event: PlanChanged) -> None:
    """Tell the subscriber's programs of every change, planned or at once."""
    change = SubscriptionChange.objects.select_related(
        "subscription__api",
        "subscription__plan",
        "subscription__price_version",
        "subscription__consumer_organization",
    ).get(pk=event.change_id)
    subscription = change.subscription
    _publish(
        subscription,
        CHANGED,
        dedupe_key=change.public_id,
        plan=subscription.plan.name,
        price_version=subscription.price_version.public_id,
        quantity=subscription.quantity,
        was_planned=event.planned_change_id is not None,
        effective_at=event.effective_at.isoformat(),
    )


@receives(PlanChangeWithdrawn, in_transaction=True)
def publish_dropped(event: PlanChangeWithdrawn) -> None:
    """Tell the subscriber's programs."""
    planned = _dropped(event)
    if planned is not None:
        _publish(
            planned.subscription,
            CHANGE_DROPPED,
            dedupe_key=planned.public_id,
            plan=planned.plan.name,
            price_version=planned.price_version.public_id,
            quantity=planned.quantity,
            due_at=planned.due_at.isoformat(),
            reason=planned.status_reason,
        )


def _planned(planned_change_id: UUID) -> PlannedChange | None:
    rows = PlannedChange.objects.select_related(
        "plan", "price_version", "subscription__api", "subscription__consumer_organization"
    )
    return rows.filter(pk=planned_change_id).first()


def _dropped(event: PlanChangeWithdrawn) -> PlannedChange | None:
    planned = _planned(event.planned_change_id)
    if planned is None or planned.status != PlannedChangeStatus.DROPPED:
        return None
    return planned


def _tell(planned: PlannedChange, kind: NotificationKind, **context: Any) -> None:
    subscription = planned.subscription
    message = Message(
        kind=kind.name,
        dedupe_key=f"{kind.name}:{planned.pk}",
        url=reverse("portal:subscription", args=[subscription.public_id]),
        context={"name": subscription.api.name, "plan": planned.plan.name, **context},
    )
    notify_members(
        organization=subscription.consumer_organization, permission=MANAGE, message=message
    )


def _publish(
    subscription: Subscription, event_type: WebhookEventType, *, dedupe_key: str, **data: Any
) -> None:
    publish_webhook(
        organization=subscription.consumer_organization,
        event_type=event_type.name,
        dedupe_key=f"{event_type.name}:{dedupe_key}",
        data={"id": subscription.public_id, "api": subscription.api.slug, **data},
    )
