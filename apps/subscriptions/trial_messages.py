"""Who is told that a trial ends or a long period is renewed: the people who manage subscriptions, and the consumer's programs."""

from __future__ import annotations

from typing import Any, Final

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.core.events import receives
from apps.notifications.kinds import NotificationKind, register_kinds
from apps.notifications.services import Message, notify_members
from apps.notifications.webhooks import (
    WebhookEventType,
    publish_webhook,
    register_event_types,
)
from apps.subscriptions.card_sources import has_card
from apps.subscriptions.enums import ChangeKind
from apps.subscriptions.events import (
    AnnouncedEvent,
    RenewalComing,
    SubscriptionChanged,
    SubscriptionEvent,
    TrialEnding,
)
from apps.subscriptions.models import Subscription
from apps.subscriptions.periods import local_date

MANAGE: Final = "subscriptions.manage"
EXAMPLE: Final[dict[str, Any]] = {
    "id": "sub_01jd0zq6f8e9xvgq0t4f3m2n1q",
    "api": "weather",
    "plan": "Basic",
}

TRIAL_BECOMES_PAID: Final = NotificationKind(
    name="subscriptions.trial_becomes_paid",
    title=_("The trial of %(name)s ends on %(day)s"),
    body=_(
        "Then it goes on by the plan %(plan)s and is paid. Cancel before if you do not want it."
    ),
    is_important=True,
    action_label=_("Open the subscription"),
)
TRIAL_WANTS_CARD: Final = NotificationKind(
    name="subscriptions.trial_wants_card",
    title=_("The trial of %(name)s ends on %(day)s"),
    body=_(
        "There is no saved card. Save one before if you want to keep it, or the subscription ends."
    ),
    tone="warn",
    is_important=True,
    action_label=_("Open the subscription"),
)
TRIAL_ENDS: Final = NotificationKind(
    name="subscriptions.trial_ends",
    title=_("The trial of %(name)s ends on %(day)s"),
    body=_("The subscription ends with it. Start paid service before if you want to keep it."),
    tone="warn",
    is_important=True,
    action_label=_("Open the subscription"),
)
TRIAL_CONVERTED: Final = NotificationKind(
    name="subscriptions.trial_converted",
    title=_("%(name)s is paid from now on"),
    body=_("The trial is over; the subscription goes on by the plan %(plan)s."),
    action_label=_("Open the subscription"),
)
TRIAL_OVER: Final = NotificationKind(
    name="subscriptions.trial_over",
    title=_("The trial of %(name)s is over"),
    body=_("The subscription has ended and its keys are revoked. Nothing is charged."),
    tone="warn",
    is_important=True,
    action_label=_("Open the subscription"),
)
RENEWAL: Final = NotificationKind(
    name="subscriptions.renewal_coming",
    title=_("%(name)s is renewed on %(day)s"),
    body=_("Another period by the plan %(plan)s begins then. Cancel before if you do not want it."),
    is_important=True,
    action_label=_("Open the subscription"),
)
WEBHOOK_TRIAL_ENDING: Final = WebhookEventType(
    "subscription.trial_ending",
    _("A trial ends in 3 days or 1 day; `becomes_paid` says what follows."),
    {**EXAMPLE, "ends_at": "2027-03-31T00:00:00+00:00", "days_before": 3, "becomes_paid": True},
)
WEBHOOK_TRIAL_ENDED: Final = WebhookEventType(
    "subscription.trial_ended",
    _("A trial is over; `status` is `active` or `expired`."),
    {**EXAMPLE, "status": "active"},
)
WEBHOOK_RENEWAL: Final = WebhookEventType(
    "subscription.renewal_coming",
    _("A period of a year or more ends in 30 days, and another one follows."),
    {**EXAMPLE, "renews_at": "2027-03-31T00:00:00+00:00", "days_before": 30},
)
register_kinds(
    TRIAL_BECOMES_PAID, TRIAL_WANTS_CARD, TRIAL_ENDS, TRIAL_CONVERTED, TRIAL_OVER, RENEWAL
)
register_event_types(WEBHOOK_TRIAL_ENDING, WEBHOOK_TRIAL_ENDED, WEBHOOK_RENEWAL)
_OF_TRIAL_ENDS: Final = {
    ChangeKind.TRIAL_CONVERTED.value: TRIAL_CONVERTED,
    ChangeKind.TRIAL_OVER.value: TRIAL_OVER,
}


@receives(TrialEnding)
def tell_that_a_trial_ends(event: TrialEnding) -> None:
    """Tell when, and what follows."""
    subscription = subscription_of(event)
    kind = TRIAL_BECOMES_PAID if subscription.trial_converts else TRIAL_ENDS
    if subscription.trial_converts and _lacks_card(subscription):
        kind = TRIAL_WANTS_CARD
    tell_beforehand(subscription, kind, event)


@receives(RenewalComing)
def tell_that_a_renewal_comes(event: RenewalComing) -> None:
    """Tell when the next period begins."""
    tell_beforehand(subscription_of(event), RENEWAL, event)


@receives(SubscriptionChanged)
def tell_that_a_trial_is_over(event: SubscriptionChanged) -> None:
    """Tell what became of it."""
    kind = _OF_TRIAL_ENDS.get(event.kind)
    if kind is not None:
        notify_managers(subscription_of(event), kind, fact="")


@receives(TrialEnding, in_transaction=True)
def publish_that_a_trial_ends(event: TrialEnding) -> None:
    """Tell the consumer's programs."""
    subscription = subscription_of(event)
    becomes_paid = subscription.trial_converts and not _lacks_card(subscription)
    at = event.due_at.isoformat()
    words = {"ends_at": at, "days_before": event.days_before, "becomes_paid": becomes_paid}
    publish_to_programs(subscription, WEBHOOK_TRIAL_ENDING, f"{at}:{event.days_before}", **words)


@receives(RenewalComing, in_transaction=True)
def publish_that_a_renewal_comes(event: RenewalComing) -> None:
    """Tell the consumer's programs."""
    at = event.due_at.isoformat()
    words = {"renews_at": at, "days_before": event.days_before}
    publish_to_programs(
        subscription_of(event), WEBHOOK_RENEWAL, f"{at}:{event.days_before}", **words
    )


@receives(SubscriptionChanged, in_transaction=True)
def publish_that_a_trial_is_over(event: SubscriptionChanged) -> None:
    """Tell the consumer's programs."""
    if event.kind in _OF_TRIAL_ENDS:
        subscription = subscription_of(event)
        publish_to_programs(subscription, WEBHOOK_TRIAL_ENDED, "", status=event.status)


def _lacks_card(subscription: Subscription) -> bool:
    return subscription.trial_needs_card and not has_card(subscription.consumer_organization_id)


def subscription_of(event: SubscriptionEvent) -> Subscription:
    """Return the subscription of an event with what messages say. One query."""
    rows = Subscription.objects.select_related("api", "plan", "consumer_organization")
    return rows.get(pk=event.subscription_id)


def tell_beforehand(
    subscription: Subscription, kind: NotificationKind, event: AnnouncedEvent
) -> None:
    """Tell the consumer's people once what happens on a day of their own time zone."""
    day = local_date(event.due_at, subscription.timezone).isoformat()
    notify_managers(subscription, kind, fact=f"{day}:{event.days_before}", day=day)


def notify_managers(
    subscription: Subscription, kind: NotificationKind, *, fact: str, **context: str
) -> None:
    """Tell those who manage the consumer's subscriptions, once for each fact."""
    message = Message(
        kind=kind.name,
        dedupe_key=f"{kind.name}:{subscription.pk}:{fact}",
        url=reverse("portal:subscription", args=[subscription.public_id]),
        context={"name": subscription.api.name, "plan": subscription.plan.name, **context},
    )
    notify_members(
        organization=subscription.consumer_organization, permission=MANAGE, message=message
    )


def publish_to_programs(
    subscription: Subscription, kind: WebhookEventType, fact: str, **words: object
) -> None:
    """Tell the consumer's programs, once for each fact."""
    data = {
        "id": subscription.public_id,
        "api": subscription.api.slug,
        "plan": subscription.plan.name,
        **words,
    }
    publish_webhook(
        organization=subscription.consumer_organization,
        event_type=kind.name,
        data=data,
        dedupe_key=f"{kind.name}:{subscription.public_id}:{fact}",
    )
