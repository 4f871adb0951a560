"""The operator's endpoints, and the change feed for authorizers that were cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from apps.core.models import JobRun
from apps.gateway.sync import RegistrySync
from apps.gateway.valkey import get_client, get_writer
from apps.keys.services import revoke_key
from tests.apps.gateway.test_sync import step_and_prove
from tests.factories.accounts import make_member, make_staff
from tests.factories.keys import SYSTEM, make_key

pytestmark = pytest.mark.django_db

Connect = Callable[..., APIClient]
FEED = "/internal/gateway/changes"
SECRET = "s" * 32


@pytest.fixture(autouse=True)
def store(settings: Any) -> Iterator[None]:
    settings.AUTHORIZER_SECRET = SECRET
    get_client().flushdb()
    yield
    get_client().flushdb()


def ask(**question: Any) -> Any:
    headers = {"Authorization": f"Bearer {SECRET}"}
    return Client().get(FEED, {"node": "a", **question}, headers=headers)


def test_operator_sees_nodes_and_versions(api_client: Connect) -> None:
    make_key()
    step_and_prove(get_writer())

    body = api_client(make_staff("operator")).get("/api/v1/admin/gateway/nodes").json()

    version = get_writer().head().version
    assert body["registry"]["is_healthy"] is True
    assert (body["registry"]["version"], body["registry"]["waiting"]) == (version, 0)
    assert [(node["name"], node["version"], node["is_leased"]) for node in body["nodes"]] == [
        ("a", version, True)
    ]


@pytest.mark.parametrize("path", ["nodes", "reports", "reconcile"])
def test_gateway_is_for_operators_only(path: str, api_client: Connect) -> None:
    url = f"/api/v1/admin/gateway/{path}"
    method = "post" if path == "reconcile" else "get"

    assert getattr(api_client(), method)(url).status_code == 401
    assert getattr(api_client(make_member("owner")), method)(url).status_code == 403
    assert getattr(api_client(make_staff("approver")), method)(url).status_code == 403


def test_reconcile_starts_a_job(
    api_client: Connect, django_capture_on_commit_callbacks: Any
) -> None:
    answer = api_client(make_staff("operator")).post("/api/v1/admin/gateway/reconcile")

    assert answer.status_code == 202
    assert JobRun.objects.get().public_id == answer.data["job"]


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer wrong", SECRET])
def test_feed_is_closed_to_strangers(authorization: str) -> None:
    answer = Client().get(FEED, {"after": 0}, headers={"Authorization": authorization})

    assert (answer.status_code, answer.content) == (403, b"")


def test_feed_without_a_configured_secret_is_closed(settings: Any) -> None:
    settings.AUTHORIZER_SECRET = ""

    answer = Client().get(FEED, {"after": 0}, headers={"Authorization": "Bearer "})

    assert answer.status_code == 403


def test_feed_tells_what_changed_after_a_version() -> None:
    key = make_key().key
    step_and_prove(get_writer())
    before = get_writer().head()
    revoke_key(key=key, actor=SYSTEM)
    RegistrySync(get_writer()).step()

    body = ask(epoch=before.epoch, after=before.version).json()

    assert (body["epoch"], body["version"]) == (before.epoch, before.version + 1)
    assert body["changes"] == [[f"key:{key.digest}", None]]


def test_feed_tells_of_a_revoked_key_that_the_relay_has_not_seen_yet() -> None:
    key = make_key().key
    step_and_prove(get_writer())
    head = get_writer().head()

    revoke_key(key=key, actor=SYSTEM)
    body = ask(epoch=head.epoch, after=head.version)

    assert body.json()["version"] == head.version
    assert body.json()["changes"] == [[f"key:{key.digest}", None]]


def test_feed_for_another_epoch_holds_the_head_only() -> None:
    make_key()
    step_and_prove(get_writer())

    body = ask(epoch="older", after=0).json()

    assert (body["epoch"], body["changes"]) == (get_writer().head().epoch, [])


def test_feed_refuses_a_version_that_is_no_number() -> None:
    assert ask(epoch="x", after="soon").status_code == 400
