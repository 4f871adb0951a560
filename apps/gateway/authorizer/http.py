"""HTTP/1.1 as far as the proxy speaks it to the authorizer: `GET` without a body, on a private listener.

Requests are parsed by llhttp (httptools); connection, order and answers are ours, because a general server hands
each request through threads, tasks and futures, which costs more than the decision itself. What the proxy would not send is
refused, and closes the connection.

Source: docs/adr/0018-authorizer-listener.md; RFC 9112 §2, §3, §5.
"""

from __future__ import annotations

import asyncio
from collections import deque
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from apps.gateway.authorizer.headers import USUAL_NAMES, Headers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Envoy asks with the method of the call; every other proxy, and everybody else, with GET.
ANY_METHOD_PREFIX: Final = "/authz/envoy/"
MAX_HEAD_BYTES: Final = 64 * 1024
# Requests that came before the one ahead of them was answered. The proxy sends one at a time.
MAX_WAITING: Final = 16
# Far more than a proxy keeps open; what comes beyond is turned away.
MAX_CONNECTIONS: Final = 8_192
# A head comes in one piece from the proxy. A connection without any request may stay open for good.
HEAD_TIMEOUT_S: Final = 10.0
_STATUS_LINES: Final = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus
}
REFUSAL: Final = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\nx-tollgate-error: true\r\ncontent-length: 0\r\n\r\n"


class MalformedRequestError(Exception):
    """Not a request that the proxy would send."""


_NO_HEADERS: Final = Headers()


class Request:
    """A request: its method, the two parts of its target, and its headers."""

    __slots__ = ("headers", "is_last", "method", "path", "query")

    def __init__(self) -> None:
        """Begin empty; the connection fills it as it is read."""
        self.method = "GET"
        self.path = ""
        self.query = ""
        self.headers = Headers()
        # Whether the other side wants the connection closed after the answer.
        self.is_last = False


def render_head(status: int, headers: Sequence[tuple[str, str]]) -> bytes:
    """Return status line and headers, to be followed by `render_end`.

    Raises: ValueError when a header would be read as several lines.
    """
    return _STATUS_LINES[status].encode() + render_headers(headers)


def render_headers(headers: Sequence[tuple[str, str]]) -> bytes:
    """Return header lines.

    Raises: ValueError when one would be read as several lines.
    """
    text = "".join([f"{name}: {value}\r\n" for name, value in headers])
    if text.count("\n") != len(headers) or text.count("\r") != len(headers):
        raise ValueError("a header holds a line break")
    return text.encode()


def render_end(body: bytes = b"") -> bytes:
    """Return the end of a head and the body."""
    return b"content-length: %d\r\n\r\n%b" % (len(body), body)


EMPTY_END: Final = render_end()


class Connection(asyncio.Protocol):
    """One connection of the proxy: one request at a time, in order."""

    __slots__ = (
        "_connections",
        "_handle",
        "_has_ended",
        "_headers",
        "_is_closing",
        "_is_last",
        "_parser",
        "_request",
        "_timer",
        "_transport",
        "_unread_bytes",
        "_waiting",
        "is_busy",
    )

    def __init__(
        self, handle: Callable[[Request, Connection], None], connections: set[Connection]
    ) -> None:
        """Give each request to `handle`, which answers by `respond`, at once or later."""
        self._handle = handle
        self._connections = connections
        self._transport: asyncio.Transport | None = None
        self._parser = HttpRequestParser(self)
        self._request: Request | None = None
        # Of the request that is being read, or of the last one.
        self._headers = _NO_HEADERS
        # None stands for something that is no request.
        self._waiting: deque[Request | None] = deque()
        self._unread_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._is_last = self._is_closing = self._has_ended = False
        self.is_busy = False

    # --- Called by the event loop -------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        # uvloop's transports do not inherit from asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        if len(self._connections) >= MAX_CONNECTIONS:
            self._is_closing = True
            self._transport.abort()
            return
        self._connections.add(self)

    def connection_lost(self, _exc: Exception | None) -> None:
        """Forget the way back: an answer that comes now has no reader."""
        self._transport = None
        self._connections.discard(self)
        self._stop_timer()
        # The parser knows us and we know it.
        del self._parser

    def data_received(self, data: bytes) -> None:
        """Parse bytes, and begin to answer."""
        if self._has_ended or self._is_closing:
            return
        self._unread_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade, MalformedRequestError):
            self._end_with_refusal()
        if len(self._waiting) > MAX_WAITING:
            self._end_with_refusal()
        if self._unread_bytes or self._request is not None:
            self._watch_head()
        if not self.is_busy:
            self._next()

    def eof_received(self) -> bool:
        """Answer what was asked before the other side fell silent."""
        self._has_ended = True
        return self.is_busy or bool(self._waiting)

    def pause_writing(self) -> None:
        """Read nothing more from one who does not read the answers."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        if self._transport is not None:
            self._transport.resume_reading()

    # --- Called by the parser -----------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Begin a request."""
        request = self._request = Request()
        self._headers = request.headers

    def on_url(self, url: bytes) -> None:
        """Keep the target."""
        request = cast("Request", self._request)
        request.path, _, request.query = url.decode("ascii").partition("?")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; the parser let only tokens through as names."""
        headers = self._headers
        key = USUAL_NAMES.get(name)
        if key is not None and key not in headers.first:
            headers.first[key] = value
            return
        key = name.decode("ascii").lower()
        if key == "transfer-encoding" or (key == "content-length" and value != b"0"):
            raise MalformedRequestError
        headers.add(key, value)

    def on_message_complete(self) -> None:
        """Let the request wait for its turn."""
        parser, request = self._parser, cast("Request", self._request)
        method = parser.get_method()
        if method != b"GET":
            if not request.path.startswith(ANY_METHOD_PREFIX):
                raise MalformedRequestError
            request.method = method.decode("ascii")
        if parser.get_http_version() != "1.1" or parser.should_upgrade():
            raise MalformedRequestError
        request.is_last = not parser.should_keep_alive()
        self._waiting.append(request)
        self._request = None
        self._unread_bytes = 0
        if self._timer is not None:
            self._stop_timer()

    # --- Called by the service ----------------------------------------------------------------

    def respond(self, data: bytes) -> None:
        """Send the answer to the request that was given to the handler."""
        self.is_busy = False
        if self._transport is None:
            return
        self._transport.write(data)
        if self._is_closing or self._is_last:
            self._transport.close()
        elif self._waiting:
            asyncio.get_running_loop().call_soon(self._next)
        elif self._has_ended:
            self._transport.close()

    def close(self) -> None:
        """Close when the answer that is being prepared is sent."""
        self._is_closing = True
        if not self.is_busy and self._transport is not None:
            self._transport.close()

    def _next(self) -> None:
        """Give the next request to the handler."""
        if not self._waiting or self._transport is None or self._is_closing:
            return
        request = self._waiting.popleft()
        if request is None:
            self._transport.write(REFUSAL)
            self._transport.close()
            return
        self.is_busy = True
        self._is_last = request.is_last
        self._handle(request, self)

    def _end_with_refusal(self) -> None:
        """Say, after the answers that are owed, that this is no request. Nothing after it is read."""
        if not self._has_ended:
            self._has_ended = True
            self._waiting.append(None)
            self._stop_timer()

    def _watch_head(self) -> None:
        """Bound the size of a head that is not complete, and the time until it is."""
        if self._unread_bytes > MAX_HEAD_BYTES:
            self._end_with_refusal()
        elif self._timer is None and not self._has_ended:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(HEAD_TIMEOUT_S, self._give_up)

    def _give_up(self) -> None:
        """Refuse a head that does not come to its end."""
        self._end_with_refusal()
        if not self.is_busy:
            self._next()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
