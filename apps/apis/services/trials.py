"""One call of an upstream by an approver: does the API do what its listing says?

The upstream's secrets are sent, as the gateway would, and taken out of everything that is shown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote, quote_plus, urlencode

import httpx
from django.db import transaction
from django.utils.translation import gettext as _

from apps.apis.models import Api, Endpoint
from apps.apis.services.fields import HEADER_NAME
from apps.apis.services.health import MAX_ANSWER_BYTES, explain_failure
from apps.apis.services.secrets import FORBIDDEN_HEADERS
from apps.core import http_client
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.exceptions import InvalidInput, UnsafeUrl

TIMEOUT_S: Final = 10.0
MAX_SHOWN_BYTES: Final = 16 * 1024
MAX_SHOWN_HEADERS: Final = 50
MAX_SHOWN_HEADER_LENGTH: Final = 500
# Shorter pieces of a secret are no secret, and taking them out would garble the answer.
LEAST_SECRET_LENGTH: Final = 4
HIDDEN: Final = "•••"
SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
_TEMPLATE: Final = re.compile(r"\{([^{}]+)\}")
_HEADER_VALUE: Final = re.compile(r"[\x20-\x7e]*")


@dataclass(frozen=True, slots=True)
class TrialCall:
    """What was sent and what came back, without the upstream's secrets; `error` says why nothing did."""

    method: str
    url: str
    sent_headers: tuple[tuple[str, str], ...]
    status: int | None = None
    latency_ms: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    size_bytes: int = 0
    is_cut: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """What is called: an operation of the document, or any path below the base URL."""

    method: str = "GET"
    path: str = "/"
    parameters: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def of(cls, endpoint: Endpoint) -> Operation:
        """Return an endpoint's operation."""
        return cls(endpoint.method, endpoint.path, tuple(endpoint.parameters))


def call_upstream(
    *,
    api: Api,
    operation: Operation,
    values: Mapping[tuple[str, str], str],
    actor: Actor,
    base_url: str = "",
) -> TrialCall:
    """Call an operation with values by place and name, such as `("query", "limit")`; empty ones are left out.

    Only operations that change nothing can be called. `base_url` is another upstream than the present one: that which an
    update asks for. Talks to the network, so it must not be called inside a transaction; the call is audited.

    Raises:
        InvalidInput: the operation changes something, or a value cannot be sent; names its field.
        TransactionForbiddenError: called inside a transaction.
    """
    if operation.method not in SAFE_METHODS:
        detail = _("Only GET and HEAD can be tried: others may change something.")
        raise InvalidInput(detail, field="endpoint")
    secrets = {row.header_name: row.value for row in api.upstream_secrets.all()}
    url = (base_url or api.upstream_url).rstrip("/") + _target(operation, values)
    given = _headers(values)
    shown = (*given.items(), *((name, HIDDEN) for name in secrets))
    hide = _Hider(secrets.values())
    sent = TrialCall(operation.method, hide(url), shown)
    try:
        answer = http_client.fetch(
            operation.method,
            url,
            headers={"Accept": "*/*", **given, **secrets},
            timeout_s=TIMEOUT_S,
            max_bytes=MAX_ANSWER_BYTES,
        )
    except (UnsafeUrl, httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        call = replace(sent, error=explain_failure(error))
    else:
        call = _with_answer(sent, answer, hide)
    _audit(api, call, actor)
    return call


def _with_answer(sent: TrialCall, answer: http_client.Answer, hide: _Hider) -> TrialCall:
    headers = [
        (name, hide(value)[:MAX_SHOWN_HEADER_LENGTH])
        for name, value in answer.headers.multi_items()[:MAX_SHOWN_HEADERS]
    ]
    return replace(
        sent,
        status=answer.status,
        latency_ms=round(answer.elapsed_ms),
        headers=tuple(headers),
        body=_excerpt(answer.body, hide),
        size_bytes=len(answer.body),
        is_cut=len(answer.body) > MAX_SHOWN_BYTES,
    )


def _excerpt(body: bytes, hide: _Hider) -> str:
    """Return the beginning of a text; secrets go before it is cut, so that no half of one stays."""
    text = body.decode("utf-8", errors="replace")
    if "\x00" in text:
        return _("The answer is binary; it is not shown.")
    return hide(text).encode()[:MAX_SHOWN_BYTES].decode(errors="ignore")


class _Hider:
    """Takes secret values out of text: as they are, their words, and as JSON and URLs write them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Collect the spellings, the longest first."""
        spellings: set[str] = set()
        for secret in secrets:
            for piece in {secret, *secret.split()}:
                spellings |= {
                    piece,
                    json.dumps(piece)[1:-1],
                    quote(piece, safe=""),
                    quote_plus(piece),
                }
        found = sorted(filter(_is_telling, spellings), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, found))) if found else None

    def __call__(self, text: str) -> str:
        """Return the text without them."""
        return self._pattern.sub(HIDDEN, text) if self._pattern else text


def _is_telling(piece: str) -> bool:
    """Whether a piece gives something away; the names of authentication schemes do not."""
    return len(piece) >= LEAST_SECRET_LENGTH and piece.lower() not in {"basic", "bearer", "token"}


def _target(operation: Operation, values: Mapping[tuple[str, str], str]) -> str:
    """Return path and query with the values, percent-encoded."""

    def fill(match: re.Match[str]) -> str:
        name = match.group(1)
        value = values.get(("path", name), "")
        if not value.strip():
            raise InvalidInput(_("The path needs a value."), field=f"path:{name}")
        if value in {".", ".."}:
            raise InvalidInput(_("This value would leave the path."), field=f"path:{name}")
        return quote(value, safe="")

    path = _TEMPLATE.sub(fill, operation.path)
    pairs = [(name, text) for (place, name), text in values.items() if place == "query" and text]
    return "/" + path.lstrip("/") + (f"?{urlencode(pairs)}" if pairs else "")


def _headers(values: Mapping[tuple[str, str], str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for (place, name), text in values.items():
        if place != "header" or not text:
            continue
        is_sendable = HEADER_NAME.fullmatch(name) and name.lower() not in FORBIDDEN_HEADERS
        if not is_sendable or not _HEADER_VALUE.fullmatch(text):
            raise InvalidInput(_("This header cannot be sent."), field=f"header:{name}")
        headers[name] = text
    return headers


@transaction.atomic
def _audit(api: Api, call: TrialCall, actor: Actor) -> None:
    """Write down who called what; the values of the query may be personal and stay out."""
    record_audit(
        action="apis:upstream:tried",
        target=api,
        actor=actor,
        after={
            "method": call.method,
            "url": call.url.partition("?")[0],
            "status": call.status,
            "error": call.error,
        },
    )
