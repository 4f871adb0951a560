"""The only door for calls to addresses that other people choose: SSRF-proof and bounded.

The name is resolved once, every address that it resolves to is vetted, and the connection goes to a vetted
address while TLS still verifies the name; so a name that changes its answer between check and use gains nothing.
Redirects are not followed. Answers are cut off at a size limit. No call is made inside a transaction.

Source: docs/adr/0008-outgoing-http.md; OWASP SSRF prevention cheat sheet.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpcore
import httpx
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from apps.core.addresses import is_host_name, is_ip_literal, is_private_name, is_public_address
from apps.core.db import forbid_transaction
from apps.core.exceptions import UnsafeUrl
from apps.core.request_context import REQUEST_ID_HEADER, current_request_id

ALLOWED_SCHEMES: Final = frozenset({"http", "https"})
ALLOWED_PORTS: Final = frozenset({80, 443, 8000, 8080, 8443})
DEFAULT_TIMEOUT_S: Final = 5.0
DEFAULT_MAX_BYTES: Final = 1_048_576
# White space and a backslash are read differently by different programs; a URL needs neither.
_CONFUSING: Final = re.compile(r"[\x00-\x20\x7f\\]")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said."""

    status: int
    headers: httpx.Headers
    body: bytes
    elapsed_ms: float


def is_trusted_target(host: str, port: int) -> bool:
    """Whether the operator listed the address in OUTGOING_TRUSTED_HOSTS (development, tests)."""
    return f"{host}:{port}" in settings.OUTGOING_TRUSTED_HOSTS


def is_public(address: str) -> bool:
    """Whether an address is on the public internet and not one of the operator's own."""
    return is_public_address(address, refused=settings.OUTGOING_REFUSED_NETWORKS)


def validate_url(url: str, *, field: str = "") -> tuple[str, str, int]:
    """Check the shape of an outgoing URL and return scheme, host and port.

    Raises:
        UnsafeUrl: scheme, port, credentials in the URL, an IP literal in any notation, or no public name.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise UnsafeUrl(_("This is not a valid URL."), field=field) from None
    host = parts.hostname or ""
    if _CONFUSING.search(url):
        raise UnsafeUrl(_("This is not a valid URL."), field=field)
    if parts.scheme not in ALLOWED_SCHEMES or not host:
        raise UnsafeUrl(
            _("The URL must start with http:// or https:// and name a host."), field=field
        )
    if parts.username is not None or parts.password is not None:
        raise UnsafeUrl(_("The URL must not contain a user name or password."), field=field)
    if is_trusted_target(host, port):
        return parts.scheme, host, port
    if port not in ALLOWED_PORTS:
        raise UnsafeUrl(_("Port %(port)s is not allowed.") % {"port": port}, field=field)
    _refuse_host(host, field)
    return parts.scheme, host, port


def _refuse_host(host: str, field: str) -> None:
    """Refuse what is no public name, however it is written."""
    if not host.isascii():
        raise UnsafeUrl(
            _("Write the host name in ASCII letters; names in other scripts begin with xn--."),
            field=field,
        )
    if is_ip_literal(host.rstrip(".")):
        raise UnsafeUrl(_("Use a host name, not an IP address."), field=field)
    if not is_host_name(host) or is_private_name(host):
        raise UnsafeUrl(_("The host must be a public name."), field=field)


def resolve_public(host: str, port: int, *, field: str = "") -> list[str]:
    """Resolve a name and return its addresses, all of them public.

    Raises:
        UnsafeUrl: the name does not resolve, or any of its addresses is not public.
    """
    addresses = _look_up(host, port)
    if not addresses:
        raise UnsafeUrl(_("The host name does not resolve."), field=field)
    if not is_trusted_target(host, port) and not all(map(is_public, addresses)):
        raise UnsafeUrl(_("The host resolves to an address that is not public."), field=field)
    return addresses


def refuse_inner_name(url: str, *, field: str = "") -> None:
    """Refuse an address whose name leads inside. One that does not resolve at present passes: it leads nowhere.

    Asks DNS, so it belongs before the transaction that saves the address; connecting vets the name again.

    Raises:
        UnsafeUrl: the shape is wrong, or the name resolves to an address that is not public.
    """
    _scheme, host, port = validate_url(url, field=field)
    if _look_up(host, port):
        resolve_public(host, port, field=field)


def _look_up(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        return []
    return sorted({str(entry[4][0]) for entry in found})


class _BoundedStream(httpcore.NetworkStream):
    """A connection that ends at a moment, however slowly the other side trickles."""

    def __init__(self, stream: httpcore.NetworkStream, ends_at: float) -> None:
        """Keep the connection and the moment, on the monotonic clock."""
        self._stream = stream
        self._ends_at = ends_at

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read, waiting no longer than what is left."""
        return self._stream.read(max_bytes, self._left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write, waiting no longer than what is left."""
        self._stream.write(buffer, self._left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Begin TLS; what follows is bounded too."""
        left = self._left(timeout, httpcore.ConnectTimeout)
        secured = self._stream.start_tls(ssl_context, server_hostname, left)
        return _BoundedStream(secured, self._ends_at)

    def get_extra_info(self, info: str) -> Any:
        """Tell what the connection knows about itself."""
        return self._stream.get_extra_info(info)

    def _left(self, timeout: float | None, too_late: type[Exception]) -> float:
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise too_late("the whole call took too long")
        return left if timeout is None else min(left, timeout)


class _VettedBackend(httpcore.SyncBackend):
    """Connects to vetted addresses only; httpcore keeps the name for TLS and the Host header."""

    def __init__(self, total_s: float | None = None) -> None:
        """Bound every connection to that many seconds from now, all in all; None does not."""
        self._ends_at = None if total_s is None else time.monotonic() + total_s

    def connect_tcp(  # noqa: PLR0917 -- the signature is httpcore's
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Resolve, vet, and dial the first address that answers."""
        refusal: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for address in resolve_public(host, port):
            try:
                stream = super().connect_tcp(address, port, timeout, local_address, socket_options)
                return stream if self._ends_at is None else _BoundedStream(stream, self._ends_at)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                refusal = error
        raise refusal or httpcore.ConnectError(f"{host} has no address")


def _transport(total_s: float | None) -> httpx.HTTPTransport:
    transport = httpx.HTTPTransport()
    transport._pool = httpcore.ConnectionPool(  # noqa: SLF001 -- httpx offers no public hook for it
        ssl_context=ssl.create_default_context(), network_backend=_VettedBackend(total_s)
    )
    return transport


def fetch(  # noqa: PLR0913 -- a call has that many facets; all but two are named
    method: str,
    url: str,
    *,
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    max_bytes: int = DEFAULT_MAX_BYTES,
    total_s: float | None = None,
) -> Answer:
    """Call an address that somebody else chose.

    `timeout_s` bounds each wait (connecting, each read and write), `total_s` the whole call, so that a peer
    that trickles cannot hold the caller.

    Raises:
        UnsafeUrl: the address may not be called.
        httpx.HTTPError: connection, TLS or protocol failure, or timeout.
        ValueError: the answer is larger than `max_bytes`.
        TransactionForbiddenError: called inside a transaction.
    """
    forbid_transaction()
    validate_url(url)
    sent = {REQUEST_ID_HEADER: current_request_id(), **(headers or {})}
    with (
        httpx.Client(
            transport=_transport(total_s), timeout=timeout_s, follow_redirects=False
        ) as client,
        client.stream(method, url, headers=sent, content=body) as response,
    ):
        received = bytearray()
        for chunk in response.iter_bytes():
            received += chunk
            if len(received) > max_bytes:
                msg = f"the answer is larger than {max_bytes} bytes"
                raise ValueError(msg)
        response.close()
        return Answer(
            status=response.status_code,
            headers=response.headers,
            body=bytes(received),
            elapsed_ms=response.elapsed.total_seconds() * 1000,
        )
