from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe

from deploy.local.stripe_fake.server import StripeServer

TEST_KEY = "sk_test_" + "a" * 24


@dataclass
class StripeSystem:
    """A listening Stripe, a client of the real SDK, and the control interface."""

    server: StripeServer
    client: stripe.StripeClient
    control: httpx.Client

    @property
    def v1(self) -> Any:
        return self.client.v1

    def post(self, control: str, /, **body: Any) -> Any:
        answer = self.control.post(f"/_fake/{control}", json=body)
        answer.raise_for_status()
        return answer.json()

    def get(self, control: str, /, **query: str) -> Any:
        answer = self.control.get(f"/_fake/{control}", params=query)
        answer.raise_for_status()
        return answer.json()

    def customer_with_card(self, token: str = "pm_card_visa") -> tuple[str, str]:
        customer = self.v1.customers.create({"email": "holder@example.com"})
        method = self.v1.payment_methods.attach(token, {"customer": customer.id})
        return customer.id, method.id

    def event_types(self) -> list[str]:
        return [event.type for event in self.v1.events.list({"limit": 100}).data][::-1]


def make_client(url: str, *, retries: int = 0) -> stripe.StripeClient:
    return stripe.StripeClient(TEST_KEY, base_addresses={"api": url}, max_network_retries=retries)


@pytest.fixture
def stripe_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StripeSystem]:
    monkeypatch.delenv("STRIPE_FAKE_WEBHOOK_URL", raising=False)
    server = StripeServer("127.0.0.1", 0, tmp_path, retry_base_s=0.05)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    with httpx.Client(base_url=server.url, trust_env=False) as control:
        yield StripeSystem(server, make_client(server.url), control)
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class Receiver:
    """An endpoint that notes what it is sent and answers the statuses it is told to."""

    url: str
    statuses: list[int] = field(default_factory=list)
    received: list[tuple[str, bytes]] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, count: int, timeout_s: float = 5) -> list[Any]:
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.received) >= count, timeout_s), (
                f"{len(self.received)} of {count} webhooks arrived"
            )
        return [json.loads(payload) for _, payload in self.received]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            payload = self.rfile.read(int(self.headers["Content-Length"]))
            with noted.arrived:
                status = noted.statuses.pop(0) if noted.statuses else 200
                noted.received.append((self.headers["Stripe-Signature"], payload))
                noted.arrived.notify_all()
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    noted = Receiver(f"http://127.0.0.1:{server.server_address[1]}/hook")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield noted
    server.shutdown()
    server.server_close()
    thread.join()
