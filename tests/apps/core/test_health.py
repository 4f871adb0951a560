"""`/api/health` tells which part is away, and whether that matters."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from apps.core import clock, health
from apps.core.health import Component
from apps.core.models import ProcessHeartbeat


@pytest.fixture(autouse=True)
def own_checks_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_checks", {})


def see_alive(*names: str, ago_s: float = 0) -> None:
    for name in names:
        ProcessHeartbeat.objects.update_or_create(
            name=f"{name}:1", defaults={"seen_at": clock.now() - timedelta(seconds=ago_s)}
        )


def ask(path: str = "/api/health") -> tuple[int, dict[str, Any]]:
    response = Client().get(path)
    return response.status_code, response.json()


@pytest.mark.django_db
def test_health_is_ok_when_every_part_is_there() -> None:
    see_alive(*health.PROCESSES)

    status, body = ask()

    assert (status, body["status"]) == (200, "ok")
    assert set(body["components"]) == {"database", "cache", "queue", *health.PROCESSES}
    assert body["components"]["queue"]["waiting"] == {"default": 0, "billing": 0, "usage": 0}
    assert body["version"]
    assert body["uptime_s"] >= 0


@pytest.mark.django_db
def test_health_is_degraded_when_the_worker_stopped() -> None:
    see_alive(*health.PROCESSES)
    see_alive("worker", ago_s=16)

    status, body = ask()

    assert (status, body["status"]) == (200, "degraded")
    down = [name for name, part in body["components"].items() if part["status"] != "ok"]
    assert down == ["worker"]


@pytest.mark.django_db
def test_health_is_degraded_by_a_check_of_an_app() -> None:
    see_alive(*health.PROCESSES)
    health.health_check("stripe")(lambda: Component("down", {"reason": "Timeout"}))

    _status, body = ask()

    assert body["status"] == "degraded"
    assert body["components"]["stripe"] == {"status": "down", "reason": "Timeout"}


@pytest.mark.django_db
def test_health_is_down_without_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")

    status, body = ask()
    ready_status, ready = ask("/api/health/ready")
    live_status, _live = ask("/api/health/live")

    assert (status, body["status"]) == (503, "down")
    assert body["components"]["database"] == {"status": "down", "reason": "OperationalError"}
    assert body["components"]["worker"]["status"] == "down"
    assert (ready_status, set(ready["components"])) == (503, {"database", "cache"})
    assert live_status == 200


@pytest.mark.django_db
def test_beat_notes_the_time_at_most_every_two_seconds() -> None:
    health.beat("relay:test")
    first = ProcessHeartbeat.objects.get(name="relay:test").seen_at
    health.beat("relay:test")

    assert ProcessHeartbeat.objects.get(name="relay:test").seen_at == first
    assert health.is_alive("relay")
    assert not health.is_alive("worker")
