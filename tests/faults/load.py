"""Steady calls through the gateway, and what the callers were told."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Final, Self

import httpx

from tests.running_stack import Running

CALLERS: Final = 8
PAUSE_S: Final = 0.05
TIMEOUT_S: Final = 20.0


@dataclass
class Calls:
    """The status of each answer by the gateway's request id, and how many callers got none."""

    answered: dict[str, int] = field(default_factory=dict)
    # The codes of the gateway's own refusals.
    refusals: Counter[str] = field(default_factory=Counter)
    broken: int = 0
    # The callers go on while the test reads.
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def succeeded(self) -> set[str]:
        """The calls that were answered 200."""
        with self._lock:
            return {request_id for request_id, status in self.answered.items() if status == 200}

    def note(self, answer: httpx.Response) -> None:
        """Remember an answer."""
        with self._lock:
            self.answered[answer.headers["X-Request-Id"]] = answer.status_code
        if answer.headers.get("Content-Type", "").startswith("application/problem+json"):
            self.refusals[answer.json()["code"]] += 1


class Load:
    """`with Load(running) as calls:` calls all the while."""

    def __init__(self, running: Running) -> None:
        """Prepare; nothing is sent yet."""
        self.calls = Calls()
        self._running = running
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._call()), name="load")

    def __enter__(self) -> Self:
        logging.getLogger("httpx").setLevel(logging.WARNING)  # thousands of lines
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()

    async def _call(self) -> None:
        limits = httpx.Limits(max_connections=CALLERS, max_keepalive_connections=CALLERS)
        async with httpx.AsyncClient(timeout=TIMEOUT_S, limits=limits, trust_env=False) as client:
            await asyncio.gather(*(self._caller(client, number) for number in range(CALLERS)))

    async def _caller(self, client: httpx.AsyncClient, number: int) -> None:
        keys = self._running.keys
        headers = {"X-Api-Key": keys[number % len(keys)]}
        url = f"{self._running.base_url}/v1/cities?country=FR"
        while not self._stop.is_set():
            try:
                self.calls.note(await client.get(url, headers=headers))
            except httpx.TransportError:
                self.calls.broken += 1
            await asyncio.sleep(PAUSE_S)
