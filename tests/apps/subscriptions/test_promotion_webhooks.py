"""Programs hear of promotions: the subscriber's, and those of the provider that bears them."""

from __future__ import annotations

from typing import Any

import pytest

from apps.core.actors import Actor
from apps.notifications.event_types import all_event_types
from apps.notifications.models import WebhookEvent
from apps.pricing.services import activate_promotion, deactivate_promotion
from apps.subscriptions.models import Subscription
from apps.subscriptions.services import redeem_promotion, withdraw_redemption
from tests.factories.direct import make_subscription_row
from tests.factories.notifications import WebhookEndpointFactory
from tests.factories.pricing import make_promotion

pytestmark = pytest.mark.django_db

ACTOR = Actor.system("tests")


@pytest.fixture
def subscription() -> Subscription:
    """A subscription whose consumer and provider listen; a third organization listens, too."""
    row = make_subscription_row()
    WebhookEndpointFactory(organization=row.consumer_organization)
    WebhookEndpointFactory(organization=row.provider_organization)
    WebhookEndpointFactory()
    return row


def told() -> list[tuple[str, str, dict[str, Any]]]:
    rows = WebhookEvent.objects.filter(type__startswith="promotion.").order_by("created_at")
    return [(row.type, str(row.organization_id), row.data) for row in rows]


def test_redeemed_and_removed_reach_subscriber_and_provider(subscription: Subscription) -> None:
    promotion = make_promotion(subscription.provider_organization)
    redemption = redeem_promotion(subscription=subscription, code="WELCOME20", actor=ACTOR)
    withdraw_redemption(redemption=redemption, actor=ACTOR)

    both = {
        str(subscription.consumer_organization_id),
        str(subscription.provider_organization_id),
    }
    events = told()
    assert [name for name, *_rest in events] == ["promotion.redeemed"] * 2 + [
        "promotion.removed"
    ] * 2
    assert {owner for _name, owner, _data in events[:2]} == both
    assert {owner for _name, owner, _data in events[2:]} == both
    redeemed, removed = events[0][2], events[2][2]
    assert (redeemed["id"], redeemed["promotion"]) == (redemption.public_id, promotion.public_id)
    assert (redeemed["subscription"], redeemed["periods"]) == (subscription.public_id, 1)
    assert removed["removed_at"]


def test_stopped_reaches_those_whose_bills_it_still_lowers(subscription: Subscription) -> None:
    other = make_subscription_row(provider=subscription.provider_organization)
    WebhookEndpointFactory(organization=other.consumer_organization)
    promotion = make_promotion(subscription.provider_organization)
    redeem_promotion(subscription=subscription, code="WELCOME20", actor=ACTOR)

    stopped = deactivate_promotion(promotion=promotion, actor=ACTOR)
    deactivate_promotion(promotion=stopped, actor=ACTOR)

    owners = [owner for name, owner, _data in told() if name == "promotion.stopped"]
    assert sorted(owners) == sorted(
        [str(subscription.consumer_organization_id), str(subscription.provider_organization_id)]
    )
    deactivate_promotion(promotion=activate_promotion(promotion=stopped, actor=ACTOR), actor=ACTOR)
    assert len([name for name, *_rest in told() if name == "promotion.stopped"]) == 4


def test_of_the_operators_promotions_the_subscriber_alone_hears(subscription: Subscription) -> None:
    promotion = make_promotion(None)
    redeem_promotion(subscription=subscription, code="WELCOME20", actor=ACTOR)
    deactivate_promotion(promotion=promotion, actor=ACTOR)

    consumer = str(subscription.consumer_organization_id)
    assert [(name, owner) for name, owner, _data in told()] == [
        ("promotion.redeemed", consumer),
        ("promotion.stopped", consumer),
    ]


def test_examples_name_what_is_sent(subscription: Subscription) -> None:
    promotion = make_promotion(subscription.provider_organization)
    redemption = redeem_promotion(subscription=subscription, code="WELCOME20", actor=ACTOR)
    withdraw_redemption(redemption=redemption, actor=ACTOR)
    deactivate_promotion(promotion=promotion, actor=ACTOR)
    examples = {kind.name: set(kind.example) for kind in all_event_types()}
    assert {name: set(data) for name, _owner, data in told()} == {
        name: examples[name]
        for name in ("promotion.redeemed", "promotion.removed", "promotion.stopped")
    }
