"""HTTP messages between the socket and the application."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any


@dataclass(frozen=True)
class Request:
    """What arrived; header names are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """Return the body as text."""
        return self.body.decode("utf-8", errors="replace")


@dataclass(frozen=True)
class Response:
    """What is answered; `dropped` closes the connection without a word instead."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    dropped: bool = False


def json_response(status: int, value: Any, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON answer."""
    body = json.dumps(value, indent=2).encode()
    return Response(status, body, {"Content-Type": "application/json", **(headers or {})})


def html_response(text: str, status: int = HTTPStatus.OK) -> Response:
    """Return a page that may load nothing from elsewhere."""
    policy = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'"
    headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy}
    return Response(status, text.encode(), headers)


def redirect(url: str) -> Response:
    """Send the browser elsewhere with GET."""
    return Response(HTTPStatus.SEE_OTHER, b"", {"Location": url})
