"""What subscriptions do when something happens below them."""

from __future__ import annotations

from apps.accounts.events import ClockAdvanced
from apps.apis.events import ApiRetired
from apps.core.actors import Actor
from apps.core.events import receives
from apps.core.exceptions import InvalidTransition
from apps.subscriptions import services
from apps.subscriptions.models import Subscription


@receives(ClockAdvanced)
def live_through_time(_event: ClockAdvanced) -> None:
    """Let what fell due on a sandbox account's clock happen: trials first, then ends."""
    actor = Actor.system("test clock")
    services.activate_due_trials(actor=actor)
    services.end_due_subscriptions(actor=actor)


@receives(ApiRetired)
def end_subscriptions_of_retired_api(event: ApiRetired) -> None:
    """End what is left of an API's subscriptions when it is retired."""
    actor = Actor.system("the API was retired")
    for subscription in Subscription.objects.live().filter(api_id=event.api_id):
        try:
            services.cancel_subscription(
                subscription=subscription, actor=actor, reason="the API was retired"
            )
        except InvalidTransition:
            continue  # it ended between the query and the lock
