"""The authorizer as an RSGI application: one sub-request of the proxy in, one answer out.

Source: docs/architecture/gateway.md §1.
"""

from __future__ import annotations

import hmac
import logging
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import msgspec

from apps.gateway.authorizer import problems
from apps.gateway.authorizer.decision import Admission, Call, cors_headers, decide
from apps.gateway.authorizer.journal import MeteringUnavailableError
from apps.gateway.authorizer.limits import Taken
from apps.gateway.authorizer.metrics import render_metrics
from apps.gateway.authorizer.problems import Answer
from apps.gateway.authorizer.resp import command
from apps.gateway.authorizer.store_client import StoreUnavailableError
from apps.gateway.journal import JournalRecord
from apps.gateway.store import names

if TYPE_CHECKING:
    from apps.gateway.authorizer.config import AuthorizerSettings
    from apps.gateway.authorizer.follower import RegistryFollower
    from apps.gateway.authorizer.journal import JournalWriter
    from apps.gateway.authorizer.store_client import StoreClient

logger = logging.getLogger(__name__)

AUTHORIZE_PREFIX: Final = "/authz/"
ALLOWED: Final = "allowed"
MAX_REQUEST_ID_CHARS: Final = 64
MAX_PATH_CHARS: Final = 1024


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
    ) -> None:
        """Join the parts; `service` starts them. Decisions are counted by code."""
        self._settings = settings
        self._secret = settings.secret.encode()
        self._follower = follower
        self._store = store
        self._journal = journal
        self._decisions = decisions

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        """Answer one request."""
        try:
            answer = await self._answer(scope)
        except Exception:  # an answer must be given, and it must not be 200
            logger.exception("authorizer: failed to decide")
            answer = problems.INTERNAL
        self._decisions[answer.code] += 1
        protocol.response_bytes(answer.status, answer.headers, answer.body)

    async def _answer(self, scope: Any) -> Answer:
        path = scope.path
        if path.startswith(AUTHORIZE_PREFIX):
            secret = scope.headers.get("x-tollgate-secret") or ""
            if not hmac.compare_digest(secret.encode(), self._secret):
                return problems.FORBIDDEN_CALLER
            return await self.authorize(_read_call(scope.headers))
        if path == "/healthz":
            return self._health()
        if path == "/metrics":
            text = render_metrics(self._decisions, self._follower)
            return Answer("metrics", 200, [("content-type", "text/plain; version=0.0.4")], text)
        return problems.NOT_FOUND

    async def authorize(self, call: Call) -> Answer:
        """Decide one call: from memory, then by its counters, then put it on file."""
        if not self._follower.lease.is_valid:
            return problems.REGISTRY_UNCONFIRMED
        now_ms = time.time_ns() // 1_000_000
        admission = decide(call, self._follower.tables, self._settings.peppers, now_ms)
        if isinstance(admission, Answer):
            return admission
        if not self._journal.has_space:
            return problems.METERING_UNAVAILABLE
        return await self._admit(admission)

    async def _admit(self, admission: Admission) -> Answer:
        """Take the call's limits and put it on file."""
        try:
            taken = Taken(await self._store.call(admission.take_command()))
        except StoreUnavailableError:
            if admission.grant.has_hard_quota:
                return problems.STORE_UNAVAILABLE
            return await self._allow(admission, [])
        if not taken.is_allowed:
            return taken.refusal(admission)
        admission.event_id, admission.decided_at = taken.event_id, taken.decided_at
        answer = await self._allow(admission, taken.headers(admission))
        if answer is problems.METERING_UNAVAILABLE:
            self._give_back(admission)
        return answer

    async def _allow(self, admission: Admission, limits: problems.HeaderList) -> Answer:
        call, grant, route = admission.call, admission.grant, admission.route
        record = JournalRecord(
            request_id=call.request_id,
            event_id=admission.event_id,
            decided_at=admission.decided_at,
            key_id=grant.key.key_id,
            subscription_id=grant.key.sub_id,
            api_id=route.api_id,
            node=self._settings.node,
            method=call.method,
            path=call.path[:MAX_PATH_CHARS],
        )
        try:
            await self._journal.append(record)
        except MeteringUnavailableError:
            return problems.METERING_UNAVAILABLE
        headers = [*grant.headers_for(route), *limits, *cors_headers(call, route)]
        return Answer(ALLOWED, 200, headers)

    def _give_back(self, admission: Admission) -> None:
        """Return the quota of a call that could not be put on file. Its windows fade by themselves."""
        if admission.period is None:
            return
        org_id = admission.grant.subscription.consumer_org_id
        counters = names.subscription_counters(org_id, admission.grant.key.sub_id)
        mark = names.given_back(org_id, admission.event_id)
        start = str(admission.period.start)
        future = self._store.call(
            command("FCALL", "tg1_adjust_counter", "2", counters, mark, start, "-1")
        )
        future.add_done_callback(_log_lost_give_back)

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
        }
        status = 200 if follower.lease.is_valid and self._journal.has_space else 503
        headers = [("content-type", "application/json")]
        return Answer("health", status, headers, msgspec.json.encode(body))


def _read_call(headers: Any) -> Call:
    get = headers.get
    return Call(
        request_id=(get("x-tollgate-request-id") or "")[:MAX_REQUEST_ID_CHARS],
        slug=get("x-tollgate-slug") or "",
        method=get("x-tollgate-method") or "GET",
        path=get("x-tollgate-path") or "/",
        client_ip=get("x-tollgate-client-ip") or "",
        headers=headers,
    )


def _log_lost_give_back(future: Any) -> None:
    if not future.cancelled() and future.exception() is not None:
        # Reconciliation finds the counter above the windows and corrects it.
        logger.warning("quota of a refused call was not given back: %s", future.exception())
