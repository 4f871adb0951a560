"""A receiver of webhooks on loopback that answers as a test tells it to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pytest_django.fixtures import Settings


@dataclass(frozen=True, slots=True)
class Received:
    """One request that arrived."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Its address, what it answers per path (204 unless told), and what it got."""

    url: str
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    requests: list[Received] = field(default_factory=list)
    # A path whose calls wait until the event is set.
    held: dict[str, threading.Event] = field(default_factory=dict)


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    """A real server whose address is trusted."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            running.requests.append(Received(self.path, dict(self.headers), body))
            if self.path in running.held:
                running.held[self.path].wait(timeout=10)
            status, answer = running.answers.get(self.path, (204, b""))
            self.send_response(status)
            if status in {301, 302, 307}:
                self.send_header("Location", f"{running.url}/elsewhere")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    host = f"127.0.0.1:{server.server_port}"
    running = Receiver(f"http://{host}")
    settings.OUTGOING_TRUSTED_HOSTS = frozenset({host})
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield running
    server.shutdown()
    server.server_close()
    thread.join()
