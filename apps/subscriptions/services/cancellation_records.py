"""What is kept of a cancellation: when it ends, why, what it gives back, and what came of it.

Each function is part of the move that it records; the caller holds the subscription's lock.
"""

from __future__ import annotations

from apps.core import clock
from apps.core.events import publish
from apps.subscriptions.cancellation_quotes import CancellationQuote
from apps.subscriptions.enums import CancellationOutcome, CancellationTime
from apps.subscriptions.events import FeesGivenBack
from apps.subscriptions.models import CancellationRequest, Subscription
from apps.subscriptions.services.changes import Cause


def note_cancelled(
    *, subscription: Subscription, quote: CancellationQuote, cause: Cause, feedback: str
) -> CancellationRequest:
    """Record that a subscription has ended at once, and let what was quoted go back. Publishes FeesGivenBack."""
    settle_scheduled(subscription=subscription, outcome=CancellationOutcome.ENDED)
    request = CancellationRequest.objects.create(
        subscription=subscription,
        at=CancellationTime.NOW,
        reason=cause.reason,
        feedback=feedback,
        quote=quote.to_json(),
        refund_minor=quote.total.amount_minor,
        currency=quote.currency,
        outcome=CancellationOutcome.ENDED,
        actor_user_id=cause.actor.user_id,
        settled_at=subscription.ended_at,
    )
    if request.refund_minor:
        publish(
            FeesGivenBack(cancellation_id=request.pk, subscription_id=subscription.pk),
            key=str(subscription.pk),
        )
    return request


def note_scheduled(
    *, subscription: Subscription, cause: Cause, feedback: str
) -> CancellationRequest:
    """Record that a subscription is to end with its period; nothing goes back, because it is used to the end."""
    return CancellationRequest.objects.create(
        subscription=subscription,
        at=CancellationTime.PERIOD_END,
        reason=cause.reason,
        feedback=feedback,
        currency=subscription.price_version.currency,
        outcome=CancellationOutcome.SCHEDULED,
        actor_user_id=cause.actor.user_id,
    )


def settle_scheduled(*, subscription: Subscription, outcome: CancellationOutcome) -> None:
    """Give a scheduled cancellation its end, if there is one."""
    CancellationRequest.objects.filter(
        subscription=subscription, outcome=CancellationOutcome.SCHEDULED
    ).update(
        outcome=outcome,
        settled_at=clock.business_now(subscription.consumer_organization),
        updated_at=clock.now(),
    )
