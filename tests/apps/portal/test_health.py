"""What `/api/health` says of the gateway's machines."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.core import clock
from apps.gateway.models import AuthorizerNode
from apps.portal.health import check_resolver

pytestmark = pytest.mark.django_db


def node(name: str, *, is_up: bool | None, lease_s: int = 5) -> None:
    now = clock.now()
    AuthorizerNode.objects.create(
        name=name,
        epoch="e",
        version=1,
        lease_expires_at=now + timedelta(seconds=lease_s),
        seen_at=now,
        details={"resolver_up": is_up},
    )


def test_resolver_is_well_when_every_serving_authorizer_reaches_it() -> None:
    node("one", is_up=True)
    node("stopped", is_up=False, lease_s=-60)

    assert check_resolver().as_json() == {"status": "ok", "nodes": 1, "silent": []}


def test_resolver_that_one_authorizer_misses_is_named_by_its_node() -> None:
    node("one", is_up=True)
    node("two", is_up=False)
    node("three", is_up=None)

    assert check_resolver().as_json() == {"status": "down", "nodes": 3, "silent": ["three", "two"]}


def test_resolver_is_unknown_while_no_authorizer_serves() -> None:
    assert check_resolver().status == "down"
