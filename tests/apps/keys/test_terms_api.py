"""A key's terms over REST."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import Membership
from apps.core.models import AuditEvent
from apps.gateway.enums import SyncState
from apps.gateway.models import RegistryEntry
from apps.keys import services
from apps.keys.models import ApiKey
from apps.subscriptions.models import Subscription
from tests.factories.accounts import make_member
from tests.factories.apis import ApiVersionFactory, EndpointFactory
from tests.factories.keys import SYSTEM, make_key
from tests.factories.pricing import make_plan, make_price
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db

Connect = Callable[..., APIClient]
LIST = "/api/v1/keys"
TODAY = {"method": "GET", "path": "/days/{day}"}


@pytest.fixture
def member() -> Membership:
    return make_member("developer")


@pytest.fixture
def client(api_client: Connect, member: Membership) -> APIClient:
    return api_client(member)


@pytest.fixture
def subscription(member: Membership) -> Subscription:
    plan = make_plan(price=make_price(rate_per_minute=60))
    version = ApiVersionFactory(api=plan.api)
    EndpointFactory(version=version, method="GET", path="/days/{day}", tag="Days")
    return make_subscription(plan=plan, consumer=member.organization)


def test_new_key_with_every_term(client: APIClient, subscription: Subscription) -> None:
    terms: dict[str, Any] = {
        "scopes": ["read", "admin"],
        "endpoints": [TODAY],
        "tags": ["Days"],
        "ip_allow": ["2001:db8::/32"],
        "rate_per_second": 1,
        "rate_per_minute": 60,
        "rate_per_hour": 600,
        "rate_per_day": 5_000,
    }
    body = {"subscription": subscription.public_id, "name": "Narrow", **terms}

    answer = client.post(LIST, body)

    assert answer.status_code == 201
    assert {name: answer.data[name] for name in terms} == terms
    assert ApiKey.objects.get().endpoints == ["GET /days/{day}"]


def test_all_that_is_sent_changes_or_nothing(client: APIClient, subscription: Subscription) -> None:
    key = make_key(subscription).key
    url = f"{LIST}/{key.public_id}/"

    refused = client.patch(url, {"name": "Other", "scopes": ["read"], "rate_per_minute": 61})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_key_terms")
    assert refused.json()["errors"][0]["pointer"] == "/rate_per_minute"
    assert refused.json()["limit"] == 60
    key.refresh_from_db()
    assert (key.name, key.scopes) == ("Server", ["read", "write"])

    changed = client.patch(url, {"name": "Other", "scopes": ["read"], "endpoints": [TODAY]})
    assert changed.status_code == 200
    assert (changed.data["name"], changed.data["scopes"]) == ("Other", ["read"])
    assert changed.data["endpoints"] == [TODAY]
    cleared = client.patch(url, {"endpoints": [], "rate_per_minute": None})
    assert cleared.data["endpoints"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"scopes": []},
        {"scopes": ["root"]},
        {"scopes": "read"},
        {"endpoints": ["GET /days/{day}"]},
        {"endpoints": [{"method": "GET"}]},
        {"endpoints": [{"method": "GET", "path": "/unknown"}]},
        {"tags": ["Nights"]},
        {"tags": [None]},
        {"rate_per_second": 0},
        {"rate_per_day": 1.5},
        {"rate_per_hour": "many"},
        {"ip_allow": ["192.0.2.1/8"]},
        {"expires_at": "yesterday"},
        {"expires_at": "2001-01-01T00:00:00Z"},
    ],
)
def test_bad_terms_are_named_and_change_nothing(
    client: APIClient, subscription: Subscription, body: dict[str, Any]
) -> None:
    key = make_key(subscription).key
    before = ApiKey.objects.values().get(pk=key.pk)

    answer = client.patch(f"{LIST}/{key.public_id}/", body)

    assert 400 <= answer.status_code < 500
    assert next(iter(body)) in answer.content.decode()
    assert ApiKey.objects.values().get(pk=key.pk) == before


def test_ended_key_is_a_conflict(client: APIClient, subscription: Subscription) -> None:
    key = make_key(subscription).key
    services.revoke_key(key=key, actor=SYSTEM)

    answer = client.patch(f"{LIST}/{key.public_id}/", {"scopes": ["read"]})

    assert (answer.status_code, answer.json()["code"]) == (409, "key_ended")


def test_failed_key_is_tried_again(client: APIClient, subscription: Subscription) -> None:
    key = make_key(subscription, is_active=False).key
    RegistryEntry.objects.filter(subject_id=key.pk).update(state=SyncState.FAILED, attempts=5)
    services.mark_key_sync_failed(key_id=key.pk, reason="No proof in time.", actor=SYSTEM)
    shown = client.get(f"{LIST}/{key.public_id}/").data
    assert (shown["status"], shown["status_reason"]) == ("failed_sync", "No proof in time.")

    answer = client.post(f"{LIST}/{key.public_id}/retry/")

    assert (answer.status_code, answer.data["status"]) == (202, "failed_sync")
    entry = RegistryEntry.objects.get(subject_id=key.pk)
    assert (entry.state, entry.attempts) == (SyncState.WANTED, 0)
    assert AuditEvent.objects.filter(action="keys:key:sync_retried", target_id=key.pk).exists()
    services.activate_key(key_id=key.pk, actor=SYSTEM)
    assert client.post(f"{LIST}/{key.public_id}/retry/").status_code == 409
