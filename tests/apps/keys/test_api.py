"""Keys over REST: the secret in one answer, revoking with proof."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.core.models import IdempotencyKey
from apps.keys import constants
from apps.keys.models import ApiKey
from apps.keys.proof import register_proof_source
from tests.factories.accounts import make_member
from tests.factories.keys import make_key
from tests.factories.subscriptions import make_subscription

pytestmark = pytest.mark.django_db

Connect = Callable[..., APIClient]
LIST = "/api/v1/keys"


@pytest.fixture(autouse=True)
def no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "REVOCATION_PROOF_WAIT_S", 0.05)


def consumer() -> tuple[Any, Any]:
    member = make_member("developer")
    return member, make_subscription(consumer=member.organization)


def test_secret_is_in_the_first_answer_only(api_client: Connect) -> None:
    member, subscription = consumer()
    client = api_client(member)
    body = {"subscription": subscription.public_id, "name": "Server"}

    first = client.post(LIST, body, headers={"Idempotency-Key": "one"})
    again = client.post(LIST, body, headers={"Idempotency-Key": "one"})

    assert first.status_code == 201
    assert first.data["secret"].startswith("tgk_live_")
    assert first.headers["Cache-Control"] == "no-store"
    assert (again.data["id"], again.data["secret"]) == (first.data["id"], None)
    assert first.data["secret"] not in str(IdempotencyKey.objects.values_list("response_body"))
    shown = client.get(f"{LIST}/{first.data['id']}/").data
    assert not {"secret", "digest", "pepper_number"} & shown.keys()


def test_key_with_its_own_terms(api_client: Connect) -> None:
    member, subscription = consumer()

    answer = api_client(member).post(
        LIST,
        {
            "subscription": subscription.public_id,
            "name": "Reader",
            "scopes": ["read"],
            "ip_allow": ["192.0.2.0/24", "2001:db8::/32"],
            "rate_per_minute": 30,
        },
    )

    key = ApiKey.objects.get()
    assert answer.data["scopes"] == ["read"]
    assert (key.ip_allow, key.rate_per_minute) == (["192.0.2.0/24", "2001:db8::/32"], 30)


def test_key_for_another_tenants_subscription_is_not_found(api_client: Connect) -> None:
    body = {"subscription": make_subscription().public_id, "name": "x"}

    assert api_client(make_member("owner")).post(LIST, body).status_code == 404
    assert not ApiKey.objects.exists()


def test_key_of_another_organization_is_not_found(api_client: Connect) -> None:
    key, client = make_key().key, api_client(make_member("owner"))

    assert client.get(f"{LIST}/{key.public_id}/").status_code == 404
    for move in ("rotate", "suspend", "resume", "revoke"):
        assert client.post(f"{LIST}/{key.public_id}/{move}/").status_code == 404
    key.refresh_from_db()
    assert key.status == "active"


def test_revoke_is_202_until_it_is_proven(api_client: Connect) -> None:
    member, subscription = consumer()
    key = make_key(subscription).key

    answer = api_client(member).post(f"{LIST}/{key.public_id}/revoke/", {"reason": "leaked"})

    assert (answer.status_code, answer.data["status"]) == (202, "revoking")
    key.refresh_from_db()
    assert (key.status, key.status_reason) == ("revoked", "leaked")


def test_revoke_is_200_with_proof(api_client: Connect) -> None:
    from apps.gateway.apps import prove_key  # noqa: PLC0415 -- restored below

    member, subscription = consumer()
    key = make_key(subscription).key
    register_proof_source(lambda _key_id, _timeout_s: True)
    try:
        answer = api_client(member).post(f"{LIST}/{key.public_id}/revoke/")
    finally:
        register_proof_source(prove_key)

    assert (answer.status_code, answer.data["status"]) == (200, "revoked")


def test_rotate_shows_the_successor_and_when_the_old_one_ends(api_client: Connect) -> None:
    member, subscription = consumer()
    old = make_key(subscription).key
    client = api_client(member)

    answer = client.post(f"{LIST}/{old.public_id}/rotate/", {"grace_hours": 2})

    assert answer.status_code == 201
    assert answer.data["secret"].startswith("tgk_live_")
    shown = client.get(f"{LIST}/{old.public_id}/").data
    assert shown["status"] == "rotating"
    assert shown["valid_until"] is not None
    assert client.post(f"{LIST}/{old.public_id}/rotate/").status_code == 409


def test_trail_names_actor_and_address(api_client: Connect) -> None:
    member, subscription = consumer()
    client = api_client(member)
    made = client.post(LIST, {"subscription": subscription.public_id, "name": "Server"})
    client.patch(f"{LIST}/{made.data['id']}/", {"name": "Backend"})

    rows = client.get(f"{LIST}/{made.data['id']}/events/").data["data"]

    assert [row["action"] for row in rows] == ["keys:key:renamed", "keys:key:created"]
    assert rows[0]["actor_label"] == member.user.name
    assert rows[0]["ip"] == "192.0.2.1"


def test_billing_role_may_look_but_not_issue(api_client: Connect) -> None:
    member = make_member("billing")
    subscription = make_subscription(consumer=member.organization)
    client = api_client(member)

    assert client.get(LIST).status_code == 200
    refused = client.post(LIST, {"subscription": subscription.public_id, "name": "x"})
    assert refused.status_code == 403
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("count", [1, 3])
def test_list_takes_the_same_queries_for_one_and_three(
    count: int, api_client: Connect, django_assert_num_queries: Any
) -> None:
    member, subscription = consumer()
    for _ in range(count):
        make_key(subscription)
    client = api_client(member)

    with django_assert_num_queries(7):
        assert len(client.get(LIST).data["data"]) == count
