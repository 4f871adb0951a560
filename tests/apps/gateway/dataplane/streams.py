"""An upstream that streams: server-sent events one by one, and a WebSocket that echoes. Raw, so that nothing is smoothed over."""

from __future__ import annotations

import base64
import hashlib
import secrets
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from typing import IO, Final

from deploy.local.ports import LOOPBACK, find_free_ports

GUID: Final = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
PATIENCE_S: Final = 10
TEXT: Final = 0x81
CLOSE: Final = 0x88
MASKED: Final = 0x80


class StreamServer(ThreadingHTTPServer):
    """Sends an event whenever the test says so."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__((LOOPBACK, port), _Handler)
        self.next_event = threading.Semaphore(0)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self._echo_frames()
        else:
            self._send_events()

    def do_POST(self) -> None:
        """Read a chunked body to its end."""
        count = 0
        while (size := int(self.rfile.readline() or b"0", 16)) > 0:
            count += len(self.rfile.read(size))
            self.rfile.readline()
        answer = str(count).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _send_events(self) -> None:
        assert isinstance(self.server, StreamServer)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number in range(3):
            if not self.server.next_event.acquire(timeout=PATIENCE_S):
                return
            data = f"data: {number}\n\n".encode()
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def _echo_frames(self) -> None:
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", accept_of(self.headers["Sec-WebSocket-Key"]))
        self.end_headers()
        self.close_connection = True
        with suppress(ConnectionError):
            while (payload := read_frame(self.rfile)) is not None:
                self.wfile.write(bytes([TEXT, len(payload)]) + payload)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
        """Stay silent."""


class WebSocket:
    """A WebSocket client with short text frames."""

    def __init__(self, port: int, path: str, *headers: str) -> None:
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        lines = [
            f"GET {path} HTTP/1.1",
            "Host: gateway.example",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {key}",
            *headers,
        ]
        self._connection = socket.create_connection((LOOPBACK, port), timeout=PATIENCE_S)
        self._connection.sendall("\r\n".join([*lines, "", ""]).encode())
        self._stream = self._connection.makefile("rb")
        self.status = int(self._stream.readline().split()[1])
        self.headers: dict[str, str] = {}
        while line := self._stream.readline().strip():
            name, _, value = line.decode().partition(":")
            self.headers[name.lower()] = value.strip()
        if self.status == 101:
            assert self.headers["sec-websocket-accept"] == accept_of(key)

    def say(self, text: str) -> str:
        """Send a text and return what comes back."""
        mask, data = secrets.token_bytes(4), text.encode()
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))
        self._connection.sendall(bytes([TEXT, MASKED | len(data)]) + mask + masked)
        answer = read_frame(self._stream)
        assert answer is not None, "the connection was closed"
        return answer.decode()

    def close(self) -> None:
        self._connection.sendall(bytes([CLOSE, MASKED]) + secrets.token_bytes(4))
        self._stream.close()
        self._connection.close()


def accept_of(key: str) -> str:
    """Return what a server answers to a client's key (RFC 6455 §4.2.2)."""
    return base64.b64encode(hashlib.sha1(f"{key}{GUID}".encode()).digest()).decode()  # noqa: S324 -- the protocol's


def read_frame(stream: IO[bytes] | BufferedIOBase) -> bytes | None:
    """Return a short frame's payload; None when the other side closes."""
    head = stream.read(2)
    if len(head) < 2 or head[0] == CLOSE:
        return None
    length, is_masked = head[1] & 0x7F, bool(head[1] & MASKED)
    if length == 126:
        (length,) = struct.unpack(">H", stream.read(2))
    mask = stream.read(4) if is_masked else bytes(4)
    return bytes(byte ^ mask[index % 4] for index, byte in enumerate(stream.read(length)))


@contextmanager
def serve_streams() -> Iterator[StreamServer]:
    """Run the upstream."""
    (port,) = find_free_ports(1)
    server = StreamServer(port)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
