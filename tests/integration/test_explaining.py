"""Operators have a real authorizer explain its decisions, over REST and on the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from apps.core.models import AuditEvent
from apps.keys.services import IssuedKey, suspend_key
from tests.apps.gateway.dataplane.harness import SECRET, AuthorizerProcess, wait_for
from tests.factories.accounts import make_staff
from tests.factories.keys import SYSTEM, make_key
from tests.factories.subscriptions import make_subscription
from tests.integration.test_key_to_call import call, is_active

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/api/v1/admin/gateway/explain"


@pytest.fixture
def caller(authorizer: AuthorizerProcess, settings: Any) -> IssuedKey:
    settings.REQUIRE_STAFF_MFA = False
    settings.AUTHORIZER_BIND, settings.AUTHORIZER_SECRET = authorizer.dial, SECRET
    issued = make_key(make_subscription(), is_active=False)
    wait_for(lambda: is_active(issued))
    return issued


def test_operator_sees_why_and_the_audit_trail_sees_who_asked(
    authorizer: AuthorizerProcess,
    caller: IssuedKey,
    api_client: Callable[..., APIClient],
    client_for: Callable[..., Client],
) -> None:
    operator = make_staff("operator")
    rest, browser = api_client(operator), client_for(operator)
    target = f"/{caller.key.subscription.api.slug}/today?token=hidden"

    passes = rest.post(URL, {"key": caller.secret, "target": target}, format="json")
    assert call(authorizer, caller).status_code == 200
    suspend_key(key=caller.key, actor=SYSTEM)
    wait_for(lambda: call(authorizer, caller).status_code == 403)
    named = {"key_id": caller.key.public_id, "target": target, "method": "get"}
    refused = rest.post(URL, named, format="json")
    page = browser.post(
        reverse("admin:gateway_explain"),
        {"key": caller.secret, "target": target, "method": "GET"},
    )

    assert (passes.status_code, passes.json()["decision"]) == (200, "allowed")
    assert [step["outcome"] for step in passes.json()["steps"]] == ["passed"] * 12
    assert refused.json()["decision"] == "key_suspended"
    text = page.content.decode()
    assert (page.status_code, "This call would get 403 key_suspended" in text) == (200, True)
    assert caller.secret not in text
    rows = AuditEvent.objects.filter(action="gateway:decision:explained")
    assert [row.after["decision"] for row in rows.order_by("id")] == [
        "allowed",
        "key_suspended",
        "key_suspended",
    ]
    assert {row.target_id for row in rows} == {caller.key.pk}
    assert not [
        row for row in rows if caller.secret in str(row.after) or "hidden" in str(row.after)
    ]


def test_question_that_cannot_be_asked_is_refused_by_field(
    caller: IssuedKey, api_client: Callable[..., APIClient], client_for: Callable[..., Client]
) -> None:
    operator = make_staff("operator")
    rest, browser = api_client(operator), client_for(operator)
    both = {"key": caller.secret, "key_id": caller.key.public_id, "target": "/x"}
    answers = [
        rest.post(URL, body, format="json")
        for body in (
            both,
            {"target": "/x"},
            {"key": caller.secret},
            {"key": caller.secret, "target": "/x\nX-Authz: allow"},
            {"key": caller.secret, "target": "/x", "address": "nowhere"},
        )
    ]
    page = browser.post(reverse("admin:gateway_explain"), {"target": "/x", "method": "GET"})

    assert [answer.status_code for answer in answers] == [400] * 5
    assert [answer.json()["errors"][0]["pointer"] for answer in answers] == [
        "/key",
        "/key",
        "/target",
        "/target",
        "/address",
    ]
    assert (page.status_code, "one of them" in page.content.decode()) == (422, True)
    assert not AuditEvent.objects.filter(action="gateway:decision:explained").exists()


def test_authorizer_on_another_machine_is_said_to_be_there(
    caller: IssuedKey,
    authorizer: AuthorizerProcess,
    api_client: Callable[..., APIClient],
    client_for: Callable[..., Client],
) -> None:
    operator = make_staff("operator")
    rest, browser = api_client(operator), client_for(operator)
    authorizer.kill()

    answer = rest.post(URL, {"key": caller.secret, "target": "/x"}, format="json")
    page = browser.post(
        reverse("admin:gateway_explain"),
        {"key_id": caller.key.public_id, "target": "/x", "method": "GET"},
    )

    assert (answer.status_code, answer.json()["code"]) == (503, "authorizer_unreachable")
    assert (page.status_code, "No authorizer answers" in page.content.decode()) == (422, True)


def test_only_operators_see_the_page(settings: Any, client_for: Callable[..., Client]) -> None:
    settings.REQUIRE_STAFF_MFA = False

    assert (
        client_for(make_staff("approver")).get(reverse("admin:gateway_explain")).status_code == 403
    )
    assert (
        client_for(make_staff("operator")).get(reverse("admin:gateway_explain")).status_code == 200
    )
