"""The authorizer's answers: one sub-request of the proxy in, one answer out.

Source: docs/architecture/gateway.md §1.
"""

from __future__ import annotations

import hmac
import logging
import time
from functools import partial
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

import msgspec

from apps.gateway.authorizer import explaining, problems
from apps.gateway.authorizer.admitting import Admitting
from apps.gateway.authorizer.api_limits import ApiLimits
from apps.gateway.authorizer.decision import decide, page_headers
from apps.gateway.authorizer.metrics import render_metrics
from apps.gateway.authorizer.problems import Answer
from apps.gateway.authorizer.profiles import (
    CADDY,
    NGINX,
    PREFIX,
    READERS,
    TRAEFIK,
    profile_of,
    read_caddy,
)
from apps.gateway.authorizer.replies import REPLIES, ContractReply, Reply
from apps.gateway.authorizer.tables import DOMAIN_MARK

if TYPE_CHECKING:
    from collections import Counter

    from apps.gateway.authorizer.config import AuthorizerSettings
    from apps.gateway.authorizer.decision import Admission, Call
    from apps.gateway.authorizer.follower import RegistryFollower
    from apps.gateway.authorizer.headers import Headers
    from apps.gateway.authorizer.http import Connection, Request
    from apps.gateway.authorizer.journal import JournalWriter
    from apps.gateway.authorizer.store_client import StoreClient
    from apps.gateway.authorizer.upstream_guard import UpstreamGuard

logger = logging.getLogger(__name__)

# Asked by Caddy before it gets a certificate on demand.
ASK_PATH: Final = "/ask"
CADDY_PATH: Final = f"{PREFIX}{CADDY}"


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
        self.api_limits = ApiLimits(store)

    def handle(self, request: Request, connection: Connection) -> None:
        """Answer one request, now or when store and journal have answered."""
        path = request.path
        is_caddy = path == CADDY_PATH
        kind = Reply if is_caddy else REPLIES.get(profile_of(path), Reply)
        reply = kind(connection, self._decisions)
        try:
            if not is_caddy:
                answer = self._answer(request, reply)
            elif self._is_proxy(request.headers):
                answer = self._authorize(read_caddy(request), reply)
            else:
                answer = problems.FORBIDDEN_CALLER
        except Exception:  # an answer must be given, and it must not be 200
            logger.exception("authorizer: failed to decide")
            answer = problems.INTERNAL
        if answer is not None:
            reply.refuse(answer)

    def _answer(self, request: Request, reply: Reply) -> Answer | None:
        """Answer the questions of other proxies than Caddy, and those that are about no call.

        None when store and journal will have the last word.
        """
        path = request.path
        profile = profile_of(path)
        if profile in REPLIES:
            return self._answer_proxy(profile, request, reply)
        if path == ASK_PATH:
            return self._ask(request.query)
        if path == "/healthz":
            return self._health()
        if path == "/metrics":
            latency = self._store.latency
            text = render_metrics(self._decisions, self._follower, self._upstreams, latency)
            return Answer("metrics", 200, [("content-type", "text/plain; version=0.0.4")], text)
        if path == explaining.PATH:
            return self._explain(request.headers, reply)
        return problems.NOT_FOUND

    def _explain(self, headers: Headers, reply: Reply) -> Answer | None:
        if not self._is_proxy(headers):
            return problems.FORBIDDEN_CALLER
        question = explaining.Explaining(
            headers,
            reply.refuse,
            node=self._settings.node,
            follower=self._follower,
            store=self._store,
        )
        question.start(self._settings.peppers, self._upstreams, self._journal)
        return None

    def _answer_proxy(self, profile: str, request: Request, reply: Reply) -> Answer | None:
        if not self._is_proxy(request.headers):
            return problems.FORBIDDEN_CALLER
        call = READERS[profile](request)
        if isinstance(call, Answer):
            return call
        if isinstance(reply, ContractReply):
            reply.request_id = call.request_id
        # Traefik lets every 2xx pass, so a preflight that is answered would reach the upstream.
        call.may_be_preflight = profile != TRAEFIK
        call.keeps_headers = profile == NGINX
        return self._authorize(call, reply)

    def _is_proxy(self, headers: Headers) -> bool:
        return hmac.compare_digest(headers.first.get("x-tollgate-secret", b""), self._secret)

    def _authorize(self, call: Call, reply: Reply) -> Answer | None:
        """Decide one call: from memory, then by its counters, then put it on file."""
        if not self._follower.lease.is_valid:
            return problems.REGISTRY_UNCONFIRMED
        now_ms = time.time_ns() // 1_000_000
        tables = self._follower.tables
        if call.headers.get("origin") is not None:
            reply.page_headers = page_headers(call, tables)
        admission = decide(call, tables, self._settings.peppers, now_ms)
        if isinstance(admission, Answer):
            return admission
        if self._upstreams.refuses(admission.route):
            return problems.UPSTREAM_REFUSED
        if not self._journal.has_space:
            return problems.METERING_UNAVAILABLE
        if admission.route.limits:
            self.api_limits.take(admission.route, partial(self._when_leased, admission, reply))
        else:
            self._admit(admission, reply)
        return None

    def _when_leased(
        self, admission: Admission, reply: Reply, refusal: Answer | None, cells: tuple[str, ...]
    ) -> None:
        """Go on when it is known whether the API takes one more call."""
        if refusal is not None:
            reply.refuse(refusal)
            return
        admission.api_cells = cells
        try:
            self._admit(admission, reply)
        except Exception:  # others wait for the same slice
            logger.exception("authorizer: failed to decide")
            reply.refuse(problems.INTERNAL)

    def _admit(self, admission: Admission, reply: Reply) -> None:
        Admitting(
            admission,
            reply,
            store=self._store,
            journal=self._journal,
            api_limits=self.api_limits,
            node=self._settings.node,
        )

    def _ask(self, query: str) -> Answer:
        """Tell the proxy whether it may get a certificate for a domain: only for one that leads to an API."""
        if not self._follower.lease.is_valid:
            return problems.REGISTRY_UNCONFIRMED
        domain = (parse_qs(query).get("domain") or [""])[0]
        route = self._follower.tables.find_route(DOMAIN_MARK + domain)
        return problems.NOT_FOUND if route is None else Answer("domain_known", 200, [])

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
