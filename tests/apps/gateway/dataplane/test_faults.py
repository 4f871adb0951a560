"""kill -9 of any part of the data plane under load: each call answered 200 is one event, none is two."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import httpx
import pytest

from tests.apps.gateway.dataplane.conftest import Registry
from tests.apps.gateway.dataplane.harness import (
    AuthorizerProcess,
    CaddyProcess,
    Consumer,
    Intake,
    Process,
    ShipperProcess,
    ValkeyServer,
    make_consumer,
    running,
    serve_intake,
    wait_for,
)

pytestmark = pytest.mark.slow

CLIENTS = 8
LONGEST_CALL_S = 3.0


class Load:
    """Clients that call without a pause and remember each 200 by its request id."""

    def __init__(self, url: str, consumer: Consumer) -> None:
        self.answered: list[str] = []
        self.statuses: Counter[int] = Counter()
        self._url = f"{url}/{consumer.slug}/x"
        self._headers = {"X-Api-Key": consumer.key}
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._work) for _ in range(CLIENTS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        with httpx.Client(trust_env=False, timeout=5) as client:
            while not self._stopped.is_set():
                try:
                    answer = client.get(self._url, headers=self._headers)
                except httpx.HTTPError:
                    time.sleep(0.02)  # the proxy is down
                    continue
                self.statuses[answer.status_code] += 1
                if answer.status_code == 200:
                    self.answered.append(answer.headers["x-request-id"])


class Plane:
    """A whole data plane of its own."""

    def __init__(self, folder: Path, valkey: ValkeyServer, web_url: str) -> None:
        self.authorizer = AuthorizerProcess(folder, valkey.url, node="faulty")
        self.caddy = CaddyProcess(folder, f"127.0.0.1:{self.authorizer.port}")
        self.shipper = ShipperProcess(
            folder, self.authorizer.journal_dir, self.caddy.access_log, web_url
        )

    def part(self, name: str) -> Process:
        part = getattr(self, name)
        assert isinstance(part, Process)
        return part


@pytest.fixture
def intake() -> Iterator[tuple[Intake, str]]:
    with serve_intake() as served:
        yield served


@pytest.fixture
def plane(tmp_path: Path, valkey: ValkeyServer, intake: tuple[Intake, str]) -> Iterator[Plane]:
    plane = Plane(tmp_path, valkey, intake[1])
    with running(plane.authorizer), running(plane.caddy), running(plane.shipper):
        yield plane


@pytest.mark.parametrize("victim", ["authorizer", "caddy", "shipper"])
def test_kill_under_load_bills_each_answered_call_once(
    plane: Plane, registry: Registry, intake: tuple[Intake, str], victim: str
) -> None:
    consumer = make_consumer(quota=1_000_000)
    plane.authorizer.wait_until("serving")
    registry.admit(consumer)
    with Load(plane.caddy.url, consumer) as load:
        for _ in range(3):
            seen = len(load.answered)
            wait_for(lambda seen=seen: len(load.answered) > seen + 200, what="load")  # type: ignore[misc]
            plane.part(victim).kill()
            time.sleep(0.1)
            plane.part(victim).start()
        plane.authorizer.wait_until("serving")
        seen = len(load.answered)
        wait_for(lambda: len(load.answered) > seen + 200, what="load after the last kill")

    answered = set(load.answered)
    events = wait_for(
        lambda: answered <= (found := by_request(intake[0])).keys() and found,
        timeout_s=LONGEST_CALL_S + 15,
        what="an event for every answered call",
    )

    assert len(answered) == len(load.answered) > 800
    assert intake[0].problems == []
    assert set(Counter(event["id"] for event in intake[0].events).values()) == {1}
    assert max(events.values()) == 1
    unconfirmed = {
        event["request_id"] for event in intake[0].events if event["outcome"] == "unconfirmed"
    }
    if victim == "caddy":
        # Three deaths, each with at most one call in flight per client.
        assert len(unconfirmed) <= 3 * CLIENTS
    else:
        assert not answered & unconfirmed
    assert set(load.statuses) <= {200, 502, 503}


def test_store_restart_under_load_bills_each_answered_call_once(
    plane: Plane, registry: Registry, valkey: ValkeyServer, intake: tuple[Intake, str]
) -> None:
    consumer = make_consumer(quota=1_000_000)
    plane.authorizer.wait_until("serving")
    registry.admit(consumer)
    with Load(plane.caddy.url, consumer) as load:
        wait_for(lambda: len(load.answered) > 200, what="load")
        valkey.pause()
        time.sleep(1.5)
        valkey.resume()
        seen = len(load.answered)
        wait_for(lambda: len(load.answered) > seen + 200, what="load after the pause")

    answered = set(load.answered)
    wait_for(lambda: answered <= by_request(intake[0]).keys(), what="an event for every call")

    assert max(by_request(intake[0]).values()) == 1
    # A decision whose answer was lost may have taken quota; it is never the other way round.
    assert registry.used(consumer) >= len(answered)


def by_request(intake: Intake) -> Counter[str]:
    """Count the events of each request id."""
    return Counter(event["request_id"] for event in intake.events)
