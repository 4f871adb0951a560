"""From "create a key" to a call that passes, and from "revoke" to one that does not: every process is the real one.

Services write to PostgreSQL, a relay process carries it to Valkey, an authorizer process decides.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import httpx
import pytest
from django.db import transaction

from apps.apis.enums import ApiStatus
from apps.apis.models import Api
from apps.gateway.enums import EntryKind
from apps.gateway.models import RegistryEntry
from apps.gateway.selectors import wait_until_proven
from apps.gateway.valkey import get_client, get_counters
from apps.keys.enums import KeyStatus
from apps.keys.models import ApiKey
from apps.keys.services import IssuedKey, revoke_key, rotate_key
from apps.subscriptions.models import Subscription
from apps.subscriptions.services import resume_subscription, suspend_subscription
from tests.apps.gateway.dataplane.harness import (
    AuthorizerProcess,
    Process,
    ask_headers,
    wait_for,
)
from tests.factories.apis import make_api
from tests.factories.keys import SYSTEM, make_key
from tests.factories.pricing import make_plan, make_price
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db(transaction=True)


def call(authorizer: AuthorizerProcess, issued: IssuedKey) -> httpx.Response:
    slug = issued.key.subscription.api.slug
    headers = ask_headers(None, x_tollgate_slug=slug, x_api_key=issued.secret)
    return authorizer.client.get("/authz/caddy", headers=headers)


def seconds_until(condition: Callable[[], bool]) -> float:
    started_at = time.monotonic()
    wait_for(condition, timeout_s=10)
    return time.monotonic() - started_at


def is_active(issued: IssuedKey) -> bool:
    return ApiKey.objects.get(pk=issued.key.pk).status == KeyStatus.ACTIVE


def test_key_is_proven_in_two_seconds_and_refused_one_second_after_revoking(
    authorizer: AuthorizerProcess,
) -> None:
    issued = make_key(is_active=False)

    assert seconds_until(lambda: is_active(issued)) < 2
    assert call(authorizer, issued).status_code == 200

    revoke_key(key=issued.key, actor=SYSTEM)
    assert seconds_until(lambda: call(authorizer, issued).status_code == 401) < 1
    assert wait_until_proven(EntryKind.KEY, issued.key.pk, timeout_s=1)


def test_activation_takes_well_under_a_second(authorizer: AuthorizerProcess) -> None:
    subscription = make_subscription(plan=make_plan(key_limit=20))
    make_key(subscription)
    times = []
    for _ in range(5):
        issued = make_key(subscription, is_active=False)
        times.append(seconds_until(partial(is_active, issued)))

    assert sorted(times)[2] < 0.5


def test_registering_api_becomes_active_by_itself(authorizer: AuthorizerProcess) -> None:
    with transaction.atomic():
        api = make_api(ApiStatus.REGISTERING)

    wait_for(lambda: Api.objects.get(pk=api.pk).status == ApiStatus.ACTIVE, what="active API")


def test_suspended_subscription_refuses_all_its_keys_until_resumed(
    authorizer: AuthorizerProcess,
) -> None:
    subscription = make_subscription()
    keys = [make_key(subscription, is_active=False) for _ in range(2)]
    wait_for(lambda: all(map(is_active, keys)), what="active keys")

    suspend_subscription(subscription=subscription, actor=SYSTEM, reason="abuse")
    wait_for(lambda: {call(authorizer, key).status_code for key in keys} == {403})
    assert call(authorizer, keys[0]).json()["code"] == "subscription_inactive"

    resume_subscription(subscription=subscription, actor=SYSTEM)
    wait_for(lambda: {call(authorizer, key).status_code for key in keys} == {200})


def test_rotated_key_and_its_successor_both_pass(authorizer: AuthorizerProcess) -> None:
    old = make_key(is_active=False)
    wait_for(lambda: is_active(old), what="active key")
    successor = rotate_key(
        key=ApiKey.objects.get(pk=old.key.pk), grace=timedelta(hours=1), actor=SYSTEM
    )
    wait_for(lambda: is_active(successor), what="active successor")

    assert call(authorizer, old).status_code == 200
    assert call(authorizer, successor).status_code == 200


def test_hard_quota_of_the_plan_is_exact(authorizer: AuthorizerProcess) -> None:
    plan = make_plan(price=make_price(quota_calls=3))
    issued = make_key(make_subscription(plan=plan), is_active=False)
    wait_for(lambda: is_active(issued), what="active key")

    statuses = [call(authorizer, issued).status_code for _ in range(5)]

    assert statuses == [200, 200, 200, 429, 429]
    subscription = Subscription.objects.get(pk=issued.key.subscription_id)
    counters = get_counters().read(
        org_id=subscription.consumer_organization.public_id, sub_id=subscription.public_id
    )
    assert sorted(counters.values()) == [0, 3]


def test_emptied_store_comes_back_without_a_restart(authorizer: AuthorizerProcess) -> None:
    issued = make_key(is_active=False)
    wait_for(lambda: is_active(issued), what="active key")
    get_client().flushdb()

    wait_for(lambda: call(authorizer, issued).status_code == 200, timeout_s=10, what="recovery")
    assert not RegistryEntry.objects.filter(subject_id=issued.key.pk, payload=None).exists()


def test_relay_that_died_catches_up_when_it_is_back(
    relay: Process, authorizer: AuthorizerProcess
) -> None:
    relay.kill()
    issued = make_key(is_active=False)
    time.sleep(0.5)
    assert not is_active(issued)

    relay.start()

    wait_for(lambda: is_active(issued), timeout_s=30, what="active key")
    assert call(authorizer, issued).status_code == 200
