"""Subscribers are told that what they use comes to an end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.apis import services as apis
from apps.apis.events import ApiDeprecated, ApiRetired, ApiVersionDeprecated
from apps.core import clock
from apps.core.actors import Actor
from apps.notifications.models import Notification
from apps.subscriptions import endings, services
from apps.subscriptions.models import Subscription
from tests.factories.accounts import make_member
from tests.factories.pricing import make_plan
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db

SYSTEM = Actor.system("test")
DAY = datetime(2031, 5, 4, tzinfo=UTC)


@pytest.fixture
def subscription() -> Subscription:
    subscriber, _stranger = make_member("owner"), make_member("owner")
    return make_subscription(plan=make_plan(), consumer=subscriber.organization)


def ids_of(subscription: Subscription) -> dict[str, Any]:
    return {
        "api_id": subscription.api_id,
        "organization_id": subscription.provider_organization_id,
    }


def told() -> list[tuple[str, str]]:
    return [
        (row.kind, row.context.get("day", ""))
        for row in Notification.objects.order_by("created_at")
    ]


def test_the_end_of_a_version_is_told_once_and_again_when_it_moves(
    subscription: Subscription,
) -> None:
    for day in (DAY, DAY, DAY + timedelta(days=1)):
        endings.tell_subscribers_of_version(
            ApiVersionDeprecated(
                **ids_of(subscription),
                version_id=subscription.pk,
                version_name="1.0",
                deprecated_at=clock.now(),
                sunset_at=day,
            )
        )

    kind = "subscriptions.version_deprecated"
    assert told() == [(kind, "2031-05-04"), (kind, "2031-05-05")]


def test_the_end_of_an_api_is_told_with_its_day_if_there_is_one(
    subscription: Subscription,
) -> None:
    endings.tell_subscribers_of_deprecation(ApiDeprecated(**ids_of(subscription)))
    Notification.objects.all().delete()
    endings.tell_subscribers_of_deprecation(ApiDeprecated(**ids_of(subscription), sunset_at=DAY))

    assert told() == [("subscriptions.api_ends", "2031-05-04")]


@pytest.mark.parametrize("is_ended_first", [True, False])
def test_retirement_is_told_whichever_receiver_comes_first(
    subscription: Subscription, *, is_ended_first: bool
) -> None:
    apis.deprecate_api(api=subscription.api, actor=SYSTEM)
    apis.retire_api(api=subscription.api, actor=SYSTEM)
    if is_ended_first:
        services.cancel_subscription(subscription=subscription, actor=SYSTEM, reason="retired")

    endings.tell_subscribers_of_retirement(ApiRetired(**ids_of(subscription)))

    assert told() == [("subscriptions.api_retired", "")]
