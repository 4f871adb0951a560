"""Quotas and spend caps through the real relay, store and authorizer: exactly so many calls pass, and a change counts at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import httpx
import pytest

from apps.accounts.models import Membership
from apps.core.money import Money
from apps.gateway.enums import EntryKind
from apps.gateway.selectors import wait_until_proven
from apps.keys.enums import KeyStatus
from apps.keys.models import ApiKey
from apps.keys.services import IssuedKey
from apps.pricing.drafts import ComponentDraft, PriceDraft, TierDraft
from apps.pricing.enums import PriceModel
from apps.pricing.models import Plan
from apps.subscriptions.models import Subscription
from apps.subscriptions.services import set_spend_cap, top_up_quota
from tests.apps.gateway.dataplane.harness import AuthorizerProcess, ask_headers, wait_for
from tests.clients import api_client
from tests.factories.accounts import make_member
from tests.factories.keys import SYSTEM, make_key
from tests.factories.pricing import make_plan, make_price
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def consumer() -> Membership:
    return make_member("owner")


def call(authorizer: AuthorizerProcess, issued: IssuedKey) -> httpx.Response:
    slug = issued.key.subscription.api.slug
    headers = ask_headers(None, x_tollgate_slug=slug, x_api_key=issued.secret)
    return authorizer.client.get("/authz/caddy", headers=headers)


def key_of(consumer: Membership, price: PriceDraft) -> IssuedKey:
    subscription = make_subscription(plan=make_plan(price=price), consumer=consumer.organization)
    issued = make_key(subscription, is_active=False)
    wait_for(
        lambda: ApiKey.objects.get(pk=issued.key.pk).status == KeyStatus.ACTIVE, what="active key"
    )
    return issued


def shown(consumer: Membership, issued: IssuedKey) -> tuple[str, str]:
    body = api_client(consumer).get(f"/api/v1/keys/{issued.key.public_id}").json()
    return body["status"], body["status_reason"]


def test_used_up_quota_suspends_the_keys_until_it_has_room(
    authorizer: AuthorizerProcess, consumer: Membership
) -> None:
    issued = key_of(consumer, make_price(quota_calls=3, rate_per_minute=60, rate_per_second=50))
    statuses = [call(authorizer, issued).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    refused = call(authorizer, issued)
    assert refused.json()["code"] == "quota_exceeded"
    assert int(refused.headers["retry-after"]) > 0
    assert shown(consumer, issued) == ("suspended", "quota_exceeded")
    path = f"/api/v1/subscriptions/{issued.key.subscription.public_id}/quota"
    body = api_client(consumer).get(path).json()
    assert (body["used"], body["remaining"], body["source"]) == (3, 0, "store")
    # The store's own packed windows, read back: refused calls took nothing of them.
    minute = next(row for row in body["windows"] if row["name"] == "minute")
    assert (minute["used"], minute["remaining"]) == (3, 57)

    subscription = Subscription.objects.get(pk=issued.key.subscription_id)
    top_up_quota(subscription=subscription, calls=2, reason="launch", actor=SYSTEM)
    wait_for(lambda: call(authorizer, issued).status_code == 200, timeout_s=5, what="a call")
    assert shown(consumer, issued) == ("active", "")
    answers = [call(authorizer, issued) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[0].headers["x-quota-limit"] == "5"


def test_remaining_follows_a_change_of_plan_at_once(
    authorizer: AuthorizerProcess, consumer: Membership
) -> None:
    issued = key_of(consumer, make_price(quota_calls=3))
    subscription = Subscription.objects.get(pk=issued.key.subscription_id)
    bigger = make_plan(subscription.api, name="Bigger", price=make_price(quota_calls=6))
    smaller = make_plan(subscription.api, name="Smaller", price=make_price(quota_calls=5))
    client, path = api_client(consumer), f"/api/v1/subscriptions/{subscription.public_id}"

    def change_to(plan: Plan) -> None:
        body = {"plan": plan.public_id, "timing": "now"}
        assert client.post(f"{path}/change", body).status_code == 200
        wait_for_proof(subscription)

    answers = [call(authorizer, issued) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["x-quota-remaining"] for answer in answers[:3]] == ["2", "1", "0"]

    change_to(bigger)
    upgraded = call(authorizer, issued)
    assert upgraded.status_code == 200
    assert upgraded.headers["x-quota-limit"] == "6"
    assert upgraded.headers["x-quota-remaining"] == "2"  # 4 of 6 are used
    quota = client.get(f"{path}/quota").json()
    assert (quota["used"], quota["remaining"]) == (4, 2)
    assert shown(consumer, issued) == ("active", "")

    change_to(smaller)
    statuses = [call(authorizer, issued) for _ in range(2)]
    assert [answer.status_code for answer in statuses] == [200, 429]
    assert statuses[0].headers["x-quota-remaining"] == "0"  # 5 of 5
    assert shown(consumer, issued) == ("suspended", "quota_exceeded")


def test_cap_lets_exactly_so_many_calls_pass_under_concurrency(
    authorizer: AuthorizerProcess, consumer: Membership
) -> None:
    # 0.10 each up to 50 calls, then 0.01 for all: a cap of 2.00 stops at 20, before the cheap tier.
    calls = ComponentDraft(
        meter="calls",
        name="Calls",
        model=PriceModel.VOLUME,
        tiers=(
            TierDraft(up_to=Decimal(50), unit_price=Decimal("0.10")),
            TierDraft(up_to=None, unit_price=Decimal("0.01")),
        ),
    )
    issued = key_of(consumer, make_price(components=(calls,), quota_calls=None))
    subscription = Subscription.objects.get(pk=issued.key.subscription_id)
    set_spend_cap(subscription=subscription, amount=Money(200, "USD"), actor=SYSTEM)
    path = f"/api/v1/subscriptions/{subscription.public_id}/quota"
    client = api_client(consumer)
    wait_for(lambda: client.get(path).json()["spend_cap"] is not None, what="the cap")
    wait_for_proof(subscription)

    slug = subscription.api.slug  # read here: the threads have no database

    def one(_number: int) -> int:
        headers = ask_headers(None, x_tollgate_slug=slug, x_api_key=issued.secret)
        return authorizer.client.get("/authz/caddy", headers=headers).status_code

    with ThreadPoolExecutor(10) as pool:
        statuses = list(pool.map(one, range(60)))
    assert sorted(set(statuses)) == [200, 429]
    assert statuses.count(200) == 20
    refused = call(authorizer, issued)
    assert refused.json()["code"] == "spend_cap_reached"
    assert shown(consumer, issued) == ("suspended", "spend_cap_reached")

    set_spend_cap(subscription=subscription, amount=Money(210, "USD"), actor=SYSTEM)
    wait_for(lambda: call(authorizer, issued).status_code == 200, timeout_s=5, what="a call")
    assert call(authorizer, issued).json()["code"] == "spend_cap_reached"


def wait_for_proof(subscription: Subscription) -> None:
    """Wait until every authorizer has the entry as it is wanted."""
    assert wait_until_proven(EntryKind.SUBSCRIPTION, subscription.pk, timeout_s=5)
