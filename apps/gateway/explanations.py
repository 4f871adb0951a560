"""Asks an authorizer what a call would get, and why.

The key's text travels to the authorizer on the private listener and nowhere else.

Source: docs/architecture/gateway.md §1.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import httpx
from django.conf import settings
from django.utils.translation import gettext as _

from apps.core.db import forbid_transaction
from apps.core.exceptions import InvalidInput
from apps.gateway.authorizer.config import Bind
from apps.gateway.exceptions import AuthorizerUnreachable

TIMEOUT_S: Final = 3.0
OK: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A call to explain. One of key, digest and key id names the key."""

    target: str
    method: str = "GET"
    address: str = ""
    headers: tuple[str, ...] = ()
    key: str = ""
    digest: str = ""
    key_id: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be asked.

        Raises:
            InvalidInput: no key or more than one, or something that no header can carry.
        """
        if sum(bool(name) for name in (self.key, self.digest, self.key_id)) != 1:
            detail = _("Name the key by its text, its digest or its id: one of them.")
            raise InvalidInput(detail, field="key")
        for field in ("target", "method", "address", "key", "digest", "key_id"):
            if not getattr(self, field).isprintable():
                raise InvalidInput(_("This holds characters that no call can have."), field=field)
        if not all(name.isprintable() for name in self.headers):
            raise InvalidInput(_("This holds characters that no call can have."), field="headers")

    def as_headers(self) -> list[tuple[bytes, bytes]]:
        """Return the question as the authorizer reads it."""
        told = {
            "Key": self.key,
            "Digest": self.digest,
            "Key-Id": self.key_id,
            "Target": self.target,
            "Method": self.method,
            "Address": self.address,
            "Headers": ",".join(self.headers),
        }
        return [
            (f"X-Explain-{name}".encode(), text.encode()) for name, text in told.items() if text
        ]


def ask_authorizer(question: Question) -> dict[str, Any]:
    """Return the authorizer's explanation. Not to be called inside a transaction.

    Raises:
        AuthorizerUnreachable: it does not run here, or does not answer.
    """
    forbid_transaction()
    bind = Bind.parse(settings.AUTHORIZER_BIND)
    socket = None if bind.socket_path is None else str(bind.socket_path)
    url = f"http://{'authorizer' if socket else bind.text}/explain"
    secret = (b"X-Tollgate-Secret", settings.AUTHORIZER_SECRET.encode())
    transport = httpx.HTTPTransport(uds=socket)
    try:
        with httpx.Client(transport=transport, trust_env=False, timeout=TIMEOUT_S) as client:
            answer = client.get(url, headers=[secret, *question.as_headers()])
        explanation: dict[str, Any] = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise AuthorizerUnreachable from error
    if answer.status_code != OK:
        raise AuthorizerUnreachable
    return explanation
