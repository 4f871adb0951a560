"""HTTP/1.1 as far as the proxy speaks it to the authorizer: `GET` without a body, on a private listener.

A general server hands each request through threads, tasks and futures, which costs more than the decision
itself. Whatever this one does not understand it refuses, and closes the connection.

Source: RFC 9112 §2, §3, §5.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

MAX_HEAD_BYTES: Final = 64 * 1024
_END: Final = b"\r\n\r\n"
_STATUS_LINES: Final = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus
}
REFUSAL: Final = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\nx-tollgate-error: true\r\ncontent-length: 0\r\n\r\n"


class MalformedRequestError(Exception):
    """Not a request that the proxy would send."""


class Headers:
    """The headers of a request by lower-case name."""

    __slots__ = ("_first", "_more")

    def __init__(self) -> None:
        """Begin empty."""
        self._first: dict[str, str] = {}
        self._more: dict[str, list[str]] | None = None

    def read(self, lines: Iterable[str]) -> None:
        """Add header lines.

        Raises: MalformedRequestError.
        """
        first = self._first
        for line in lines:
            name, colon, value = line.partition(":")
            # A name with white space is a folded line, or meant to be read as two things by two readers.
            if not (colon and name) or " " in name or "\t" in name:
                raise MalformedRequestError
            name, value = name.lower(), value.strip(" \t")
            if name not in first:
                first[name] = value
            else:
                self._more = self._more or {}
                self._more.setdefault(name, [first[name]]).append(value)

    def get(self, key: str, default: str | None = None) -> str | None:
        """Return the first value."""
        return self._first.get(key, default)

    def get_all(self, key: str) -> Sequence[str]:
        """Return every value, in order."""
        if self._more is not None and key in self._more:
            return self._more[key]
        value = self._first.get(key)
        return () if value is None else (value,)


class Request:
    """A request: its target without the query, and its headers."""

    __slots__ = ("headers", "path")

    def __init__(self, head: bytes) -> None:
        """Read a head without the blank line.

        Raises: MalformedRequestError.
        """
        lines = _split(head)
        method, _, rest = lines[0].partition(" ")
        target, _, version = rest.partition(" ")
        if method != "GET" or version != "HTTP/1.1":
            raise MalformedRequestError
        self.path = target.partition("?")[0]
        self.headers = headers = Headers()
        headers.read(lines[1:])
        if (
            headers.get("transfer-encoding") is not None
            or headers.get("content-length", "0") != "0"
        ):
            raise MalformedRequestError


def _split(head: bytes) -> list[str]:
    """Return the lines of a head. A line that is not text is left out: its value is no value."""
    if head.isascii():
        lines = head.decode("ascii").split("\r\n")
    else:
        lines = [text for line in head.split(b"\r\n") if (text := _decode(line)) is not None]
    if head.count(b"\n") + head.count(b"\r") != 2 * head.count(b"\r\n") or b"\0" in head:
        raise MalformedRequestError
    return lines


def _decode(line: bytes) -> str | None:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return None


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

    __slots__ = ("_buffer", "_connections", "_handle", "_is_closing", "_transport", "is_busy")

    def __init__(
        self, handle: Callable[[Request, Connection], None], connections: set[Connection]
    ) -> None:
        """Give each request to `handle`, which answers by `respond`, at once or later."""
        self._handle = handle
        self._connections = connections
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._is_closing = False
        self.is_busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        # uvloop's transports do not inherit from asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)

    def connection_lost(self, _exc: Exception | None) -> None:
        """Forget the way back: an answer that comes now has no reader."""
        self._transport = None
        self._connections.discard(self)

    def data_received(self, data: bytes) -> None:
        """Take bytes; give a complete head to the handler."""
        buffer = self._buffer + data if self._buffer else data
        if self.is_busy or self._is_closing:
            # The proxy waits for an answer before it asks again; what comes early waits, within bounds.
            self._buffer = buffer
            if len(buffer) > MAX_HEAD_BYTES:
                self._refuse()
            return
        end = buffer.find(_END)
        if end > MAX_HEAD_BYTES or (end < 0 and len(buffer) > MAX_HEAD_BYTES):
            self._refuse()
        elif end < 0:
            self._buffer = buffer
        else:
            self._buffer = buffer[end + len(_END) :]
            self._take(buffer[:end])

    def respond(self, data: bytes) -> None:
        """Send the answer to the request that was given to the handler."""
        self.is_busy = False
        if self._transport is None:
            return
        self._transport.write(data)
        if self._is_closing:
            self._transport.close()
        elif self._buffer:
            asyncio.get_running_loop().call_soon(self.data_received, b"")

    def close(self) -> None:
        """Close when the answer that is being prepared is sent."""
        self._is_closing = True
        if not self.is_busy and self._transport is not None:
            self._transport.close()

    def _take(self, head: bytes) -> None:
        try:
            request = Request(head)
        except MalformedRequestError:
            self._refuse()
            return
        self.is_busy = True
        self._handle(request, self)

    def _refuse(self) -> None:
        """Answer that this is no request; nothing that comes after it is read."""
        transport, self._transport = self._transport, None
        self._is_closing, self._buffer = True, b""
        if transport is not None:
            transport.write(REFUSAL)
            transport.close()
