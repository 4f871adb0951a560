"""The id of the request being served, carried through web, outbox, worker and gateway."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from apps.core.ids import uuid7

REQUEST_ID_HEADER: Final = "X-Request-Id"
_VALID: Final = re.compile(r"[A-Za-z0-9._-]{8,64}\Z")
_request_id: ContextVar[str] = ContextVar("request_id", default="")


def current_request_id() -> str:
    """Return the id of the request or job being served, or an empty string."""
    return _request_id.get()


def accept_request_id(offered: str) -> str:
    """Return the caller's id if it is well-formed, else a new one."""
    return offered if _VALID.match(offered) else str(uuid7())


@contextmanager
def request_id_scope(request_id: str) -> Iterator[None]:
    """Serve everything inside under that id."""
    token = _request_id.set(request_id)
    try:
        yield
    finally:
        _request_id.reset(token)
