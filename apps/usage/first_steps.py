"""What somebody does next whose usage page is empty: subscribe, make a key, or make the first call."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from apps.apis.simplest_call import simplest_call
from apps.apis.snippets import curl
from apps.core.actors import Actor
from apps.keys.enums import USABLE_STATUSES
from apps.keys.models import ApiKey
from apps.subscriptions.enums import CALLABLE_STATUSES
from apps.subscriptions.models import Subscription
from apps.usage.selectors import subscriptions_of


class Step(StrEnum):
    """What is missing."""

    SUBSCRIBE = "subscribe"
    MAKE_KEY = "make_key"
    CALL = "call"


@dataclass(frozen=True, slots=True)
class FirstStep:
    """The next step; `command` makes a call, with the key read from the environment."""

    step: Step
    subscription: Subscription | None = None
    command: str = ""


def first_step(actor: Actor) -> FirstStep:
    """Return what an organization without calls does next. At most five queries."""
    serving = subscriptions_of(actor).filter(status__in=CALLABLE_STATUSES)
    subscription = serving.first()
    if subscription is None:
        return FirstStep(Step.SUBSCRIBE)
    keyed = _first_with_key(subscription.consumer_organization_id)
    if keyed is None:
        return FirstStep(Step.MAKE_KEY, subscription)
    return FirstStep(Step.CALL, keyed, curl(simplest_call(keyed.api)))


def _first_with_key(organization_id: UUID) -> Subscription | None:
    keys = ApiKey.objects.filter(
        organization_id=organization_id,
        status__in=USABLE_STATUSES,
        subscription__status__in=CALLABLE_STATUSES,
    )
    key = keys.select_related("subscription__api").order_by("-id").first()
    return key.subscription if key else None
