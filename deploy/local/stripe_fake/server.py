"""The socket: HTTP/1.1 with keep-alive on loopback, one thread a connection."""

from __future__ import annotations

import ipaddress
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import deploy.local.stripe_fake.resources  # noqa: F401 -- fills the table of operations
from deploy.local.stripe_fake.application import StripeFake
from deploy.local.stripe_fake.delivery import Courier
from deploy.local.stripe_fake.messages import Request, Response
from deploy.local.stripe_fake.store import Store

MAX_BODY_BYTES = 1 << 20
STATE_FILE = "stripe_fake.sqlite3"


class StripeServer(ThreadingHTTPServer):
    """A listening fake: use as a context manager, or `start()` and `close()`."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, host: str, port: int, state_dir: Path, *, retry_base_s: float = 1.0) -> None:
        """Listen.

        Args:
            host: A loopback address.
            port: 0 picks a free one.
            state_dir: Where the objects are kept.
            retry_base_s: First pause before a webhook is sent again.

        Raises:
            ValueError: The address is reachable from other machines.
        """
        if not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"The local Stripe listens on loopback only, not on {host}.")
        super().__init__((host, port), _Handler)
        self.url = f"http://{host}:{self.server_address[1]}"
        self.store = Store(state_dir / STATE_FILE)
        self.courier = Courier(self.store, retry_base_s=retry_base_s)
        self.fake = StripeFake(self.store, self.courier, self.url)
        self.courier.start()

    def server_close(self) -> None:
        """Stop listening and delivering, and close the file."""
        super().server_close()
        self.courier.stop()
        self.store.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay quiet about clients that hang up; anything else is printed with its trace."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: StripeServer
    protocol_version = "HTTP/1.1"
    server_version = "LocalStripe"
    sys_version = ""
    timeout = 60

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY_BYTES:
            self.send_error(413)
            return
        parts = urlsplit(self.path)
        request = Request(
            method=self.command,
            path=parts.path,
            query=parts.query,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length),
        )
        self._answer(self.server.fake.handle(request))

    do_GET = do_POST = do_DELETE = _serve  # noqa: N815 -- names that the base class looks up

    def _answer(self, response: Response) -> None:
        if response.dropped:
            self.close_connection = True
            return
        lines = [f"{self.protocol_version} {response.status} {self._reason(response.status)}"]
        headers = {"Server": self.server_version, "Content-Length": str(len(response.body))}
        lines += [f"{name}: {value}" for name, value in (headers | response.headers).items()]
        # One write: head and body in two would wait for the client's delayed acknowledgement.
        self.wfile.write("\r\n".join([*lines, "", ""]).encode("latin-1") + response.body)

    def _reason(self, status: int) -> str:
        return self.responses.get(status, ("",))[0]

    def log_message(self, *_: Any) -> None:
        """Keep no access log: requests are listed under /_fake/requests."""
