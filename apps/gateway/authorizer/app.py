"""The authorizer's answers: one sub-request of the proxy in, one answer out.

Source: docs/architecture/gateway.md §1.
"""

from __future__ import annotations

import hmac
import logging
import time
from typing import TYPE_CHECKING, Final

import msgspec

from apps.gateway.authorizer import problems
from apps.gateway.authorizer.admitting import Admitting
from apps.gateway.authorizer.decision import Call, decide
from apps.gateway.authorizer.http import render_end, render_head
from apps.gateway.authorizer.metrics import render_metrics
from apps.gateway.authorizer.problems import Answer

if TYPE_CHECKING:
    from collections import Counter

    from apps.gateway.authorizer.config import AuthorizerSettings
    from apps.gateway.authorizer.follower import RegistryFollower
    from apps.gateway.authorizer.http import Connection, Headers, Request
    from apps.gateway.authorizer.journal import JournalWriter
    from apps.gateway.authorizer.store_client import StoreClient
    from apps.gateway.authorizer.upstream_guard import UpstreamGuard

logger = logging.getLogger(__name__)

AUTHORIZE_PREFIX: Final = "/authz/"
ALLOWED: Final = "allowed"
MAX_REQUEST_ID_CHARS: Final = 64


class Authorizer:
    """Decides calls, and answers health and metrics on the same private listener."""

    def __init__(
        self,
        settings: AuthorizerSettings,
        *,
        follower: RegistryFollower,
        store: StoreClient,
        journal: JournalWriter,
        decisions: Counter[str],
        upstreams: UpstreamGuard,
    ) -> None:
        """Join the parts; `service` starts them. Decisions are counted by code."""
        self._settings = settings
        self._secret = settings.secret.encode()
        self._follower = follower
        self._store = store
        self._journal = journal
        self._decisions = decisions
        self._upstreams = upstreams

    def handle(self, request: Request, connection: Connection) -> None:
        """Answer one request, now or when store and journal have answered."""
        try:
            answer = self._answer(request, connection)
        except Exception:  # an answer must be given, and it must not be 200
            logger.exception("authorizer: failed to decide")
            answer = problems.INTERNAL
        if answer is not None:
            _Reply(connection, self._decisions).refuse(answer)

    def _answer(self, request: Request, connection: Connection) -> Answer | None:
        """Return the answer; None when store and journal will have the last word."""
        path, headers = request.path, request.headers
        if path.startswith(AUTHORIZE_PREFIX):
            secret = headers.get("x-tollgate-secret") or ""
            if not hmac.compare_digest(secret.encode(), self._secret):
                return problems.FORBIDDEN_CALLER
            return self._authorize(_read_call(headers), connection)
        if path == "/healthz":
            return self._health()
        if path == "/metrics":
            text = render_metrics(self._decisions, self._follower, self._upstreams)
            return Answer("metrics", 200, [("content-type", "text/plain; version=0.0.4")], text)
        return problems.NOT_FOUND

    def _authorize(self, call: Call, connection: Connection) -> Answer | None:
        """Decide one call: from memory, then by its counters, then put it on file."""
        if not self._follower.lease.is_valid:
            return problems.REGISTRY_UNCONFIRMED
        now_ms = time.time_ns() // 1_000_000
        admission = decide(call, self._follower.tables, self._settings.peppers, now_ms)
        if isinstance(admission, Answer):
            return admission
        if self._upstreams.refuses(admission.route):
            return problems.UPSTREAM_REFUSED
        if not self._journal.has_space:
            return problems.METERING_UNAVAILABLE
        Admitting(
            admission,
            _Reply(connection, self._decisions),
            store=self._store,
            journal=self._journal,
            node=self._settings.node,
        )
        return None

    def _health(self) -> Answer:
        follower = self._follower
        head = follower.head
        body = {
            "state": follower.state,
            "node": self._settings.node,
            "epoch": head.epoch if head else None,
            "version": head.version if head else None,
            "lease_seconds_left": round(follower.lease.seconds_left, 3),
            "entries": len(follower.tables),
            "journal_has_space": self._journal.has_space,
            "resolver_up": self._upstreams.is_resolver_up,
        }
        status = 200 if follower.lease.is_valid and self._journal.has_space else 503
        headers = [("content-type", "application/json")]
        return Answer("health", status, headers, msgspec.json.encode(body))


class _Reply:
    """Counts the answer to one request and sends it."""

    __slots__ = ("_connection", "_decisions")

    def __init__(self, connection: Connection, decisions: Counter[str]) -> None:
        """Answer on a connection."""
        self._connection = connection
        self._decisions = decisions

    def allow(self, rendered: bytes) -> None:
        """Let the call on."""
        self._decisions[ALLOWED] += 1
        self._connection.respond(rendered)

    def refuse(self, answer: Answer) -> None:
        """Send an answer that is no allowed call."""
        try:
            head = render_head(answer.status, answer.headers)
        except ValueError:
            logger.exception("authorizer: an answer cannot be sent")
            answer = problems.INTERNAL
            head = render_head(answer.status, answer.headers)
        self._decisions[answer.code] += 1
        self._connection.respond(head + render_end(answer.body))


def _read_call(headers: Headers) -> Call:
    get = headers.get
    return Call(
        request_id=(get("x-tollgate-request-id") or "")[:MAX_REQUEST_ID_CHARS],
        slug=get("x-tollgate-slug") or "",
        method=get("x-tollgate-method") or "GET",
        path=get("x-tollgate-path") or "/",
        client_ip=get("x-tollgate-client-ip") or "",
        headers=headers,
    )
