"""Private APIs and changes of live ones, as their subscribers feel them."""

from __future__ import annotations

import pytest

from apps.apis import services as apis
from apps.apis.models import ApiUpdate
from apps.core.actors import Actor
from apps.keys.models import ApiKey
from apps.pricing.models import Plan
from apps.subscriptions.exceptions import ApiNotAvailable
from apps.subscriptions.models import Subscription
from tests.factories.accounts import OrganizationFactory, actor_of, make_member
from tests.factories.apis import make_api
from tests.factories.keys import make_key
from tests.factories.pricing import make_plan
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db

SYSTEM = Actor.system("test")


def test_a_private_api_is_subscribed_to_by_invitation_only() -> None:
    plan = make_plan(api=make_api("active", visibility="private"))
    guest = make_member("owner")

    assert not Plan.objects.readable_by(actor_of(guest)).filter(pk=plan.pk).exists()
    with pytest.raises(ApiNotAvailable):
        make_subscription(plan=plan, consumer=guest.organization)
    access = apis.grant_access(
        api=plan.api, organization_id=guest.organization.public_id, actor=SYSTEM
    )
    assert Plan.objects.readable_by(actor_of(guest)).filter(pk=plan.pk).exists()
    subscription = make_subscription(plan=plan, consumer=guest.organization)
    apis.remove_access(access=access, actor=SYSTEM)

    assert Subscription.objects.get(pk=subscription.pk).status == "active"
    with pytest.raises(ApiNotAvailable):
        make_subscription(plan=plan, consumer=OrganizationFactory())


def test_an_update_leaves_keys_and_subscriptions_as_they_are() -> None:
    key = make_key()
    api = Subscription.objects.get(pk=key.key.subscription_id).api
    actor = actor_of(make_member("owner", api.organization))
    before = (
        list(ApiKey.objects.values()),
        list(Subscription.objects.values()),
    )

    apis.update_api(api=api, fields={"upstream_url": "https://new.example.com"}, actor=actor)
    apis.approve_update(update=ApiUpdate.objects.get(), actor=SYSTEM)

    assert (list(ApiKey.objects.values()), list(Subscription.objects.values())) == before
