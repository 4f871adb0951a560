"""An upstream on loopback that answers as a test tells it to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pytest_django.fixtures import Settings


@dataclass
class Upstream:
    """Its address, what it answers, and the requests that it got."""

    url: str
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)


@pytest.fixture
def upstream(settings: Settings) -> Iterator[Upstream]:
    """A real server; unknown paths get 404."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            running.requests.append((self.path, dict(self.headers)))
            status, body = running.answers.get(self.path, (404, b"not here"))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    host = f"127.0.0.1:{server.server_port}"
    running = Upstream(f"http://{host}")
    running.answers["/"] = (200, b"ok")
    settings.OUTGOING_TRUSTED_HOSTS = frozenset({host})
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield running
    server.shutdown()
    server.server_close()
    thread.join()
