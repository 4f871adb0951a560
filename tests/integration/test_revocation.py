"""Revoking over REST, as an owner does it, while three authorizers are called: none lets a call pass a second after the 200."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from django.conf import settings
from rest_framework.test import APIClient

from apps.keys.enums import KeyStatus
from apps.keys.models import ApiKey
from tests.apps.gateway.dataplane.callers import Cable, Callers
from tests.apps.gateway.dataplane.harness import (
    AuthorizerProcess,
    Process,
    ask_headers,
    running,
    wait_for,
)
from tests.clients import api_client
from tests.factories.accounts import make_member
from tests.factories.keys import make_key
from tests.factories.subscriptions import make_subscription

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

BOUND_S = 1.0


@pytest.fixture
def cable() -> Cable:
    """The way of one authorizer to the store."""
    port = urlsplit(settings.REDIS_URL).port
    assert port is not None
    return Cable(port)


@pytest.fixture
def nodes(tmp_path: Path, relay: Process, cable: Cable) -> Iterator[list[AuthorizerProcess]]:
    """Three authorizers of one registry, the last one behind the cable."""
    direct: str = settings.REDIS_URL
    urls = [direct, direct, direct.replace(f":{urlsplit(direct).port}/", f":{cable.port}/")]
    peppers = ",".join(f"{number}:{pepper}" for number, pepper in settings.KEY_PEPPERS.items())
    with ExitStack() as stack:
        rows = [
            stack.enter_context(
                running(
                    AuthorizerProcess(tmp_path, url, node=f"node-{number}", KEY_PEPPERS=peppers)
                )
            )
            for number, url in enumerate(urls)
        ]
        for node in rows:
            node.wait_until("serving")
        yield rows


def revoke(rest: APIClient, key: ApiKey) -> int:
    """Ask until the answer is 200; return how many answers said that the proof was on its way."""
    waits = 0
    while True:
        answer = rest.post(f"/api/v1/keys/{key.public_id}/revoke", {"reason": "leaked"})
        if answer.status_code == httpx.codes.OK:
            assert answer.json()["status"] == "revoked"
            return waits
        assert (answer.status_code, answer.json()["status"]) == (202, "revoking")
        waits += 1


@pytest.mark.parametrize("is_cut", [False, True], ids=["all connected", "one cut off"])
def test_no_authorizer_lets_a_call_pass_a_second_after_the_200(
    nodes: list[AuthorizerProcess], cable: Cable, *, is_cut: bool
) -> None:
    owner = make_member("owner")
    subscription = make_subscription(consumer=owner.organization)
    issued = make_key(subscription, is_active=False)
    wait_for(lambda: ApiKey.objects.get(pk=issued.key.pk).status == KeyStatus.ACTIVE)
    headers = ask_headers(None, x_tollgate_slug=subscription.api.slug, x_api_key=issued.secret)

    def ask(node: AuthorizerProcess) -> int:
        return node.client.get("/authz/caddy", headers=headers).status_code

    with Callers(nodes, ask) as callers:
        began_at = time.monotonic()
        wait_for(
            lambda: len({node for node, _ in callers.allowed_since(began_at)}) == len(nodes),
            what="calls that pass everywhere",
        )
        if is_cut:
            cable.cut()
        waits = revoke(api_client(owner), issued.key)
        answered_at = time.monotonic()
        wait_for(
            lambda: all(
                callers.count_since(answered_at + BOUND_S)[node.node] > 10 for node in nodes
            ),
            timeout_s=20,
            what="calls after the bound",
        )

    assert callers.allowed_since(answered_at + BOUND_S) == []
    # One that cannot be asked is waited for until its lease is over.
    assert bool(waits) == is_cut
