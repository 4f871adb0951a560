"""The health of the gateway's shippers, as `/api/health` shows it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from apps.core import clock
from apps.gateway.models import AuthorizerNode
from apps.usage.models import ShipperState

pytestmark = pytest.mark.django_db


def serve(*, is_leased: bool = True) -> None:
    """Let an authorizer hold a lease, or have held one."""
    now = clock.now()
    until = now + timedelta(seconds=5 if is_leased else -5)
    AuthorizerNode.objects.create(
        name="auth-1", epoch="e", version=1, lease_expires_at=until, seen_at=now
    )


def report(node: str, *, ago_s: int) -> None:
    """Let a shipper have reported some seconds ago."""
    at = clock.now() - timedelta(seconds=ago_s)
    ShipperState.objects.create(node=node, oldest_unshipped_at=at, reported_at=at)


def shipper() -> dict[str, Any]:
    """Ask for the shippers' part of the health."""
    body = Client().get("/api/health").json()
    found: dict[str, Any] = body["components"]["shipper"]
    assert body["status"] != "ok" or found["status"] == "ok"
    return found


def test_shippers_that_report_are_well() -> None:
    serve()
    report("ship-1", ago_s=2)

    found = shipper()

    assert (found["status"], found["nodes"], found["silent"]) == ("ok", 1, [])
    assert found["last_seen_at"] == ShipperState.objects.get().reported_at.isoformat()


def test_a_shipper_that_went_silent_while_calls_pass_degrades() -> None:
    serve()
    report("ship-1", ago_s=2)
    report("ship-2", ago_s=61)

    found = shipper()

    assert (found["status"], found["nodes"], found["silent"]) == ("degraded", 2, ["ship-2"])


def test_a_serving_gateway_without_any_shipper_degrades() -> None:
    serve()

    found = shipper()

    assert (found["status"], found["nodes"], found["last_seen_at"]) == ("degraded", 0, None)


def test_silence_does_not_matter_while_no_authorizer_lets_calls_through() -> None:
    serve(is_leased=False)
    report("ship-1", ago_s=600)

    assert shipper()["status"] == "ok"
