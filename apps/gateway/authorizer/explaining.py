"""Explains a decision step by step, without a call: nothing is taken, counted or put on file.

An operator asks which step would refuse a key. Every step is tried, also behind one that fails, so that all that is
wrong shows at once; the first that fails is the decision. The key's text is neither kept nor logged.

Source: docs/architecture/gateway.md §1.3.
"""

from __future__ import annotations

import time
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from apps.gateway.authorizer import decision, problems
from apps.gateway.authorizer.api_limits import lease_command
from apps.gateway.authorizer.credentials import digest_candidates
from apps.gateway.authorizer.limits import Taken
from apps.gateway.authorizer.problems import Answer
from apps.gateway.authorizer.replies import ALLOWED
from apps.gateway.authorizer.store_client import StoreUnavailableError
from apps.gateway.authorizer.taking import Asked
from apps.gateway.paths import Target, UnsafePathError, read_target

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from apps.gateway.authorizer.follower import RegistryFollower
    from apps.gateway.authorizer.grants import Grant
    from apps.gateway.authorizer.headers import Headers
    from apps.gateway.authorizer.journal import JournalWriter
    from apps.gateway.authorizer.store_client import StoreClient
    from apps.gateway.authorizer.tables import Tables
    from apps.gateway.authorizer.upstream_guard import UpstreamGuard
    from apps.gateway.entries import Route

PATH: Final = "/explain"
PASSED: Final = "passed"
FAILED: Final = "failed"
SKIPPED: Final = "skipped"


class Step(msgspec.Struct, frozen=True):
    """One step: `passed`, `failed` with the code that a call would get, or `skipped` for want of what it looks at."""

    step: str
    outcome: str
    code: str | None = None
    title: str | None = None
    details: dict[str, str] = {}


class Explanation(msgspec.Struct, frozen=True):
    """What a call would get, and why."""

    decision: str
    status: int
    node: str
    epoch: str | None
    version: int | None
    key_id: str | None
    subscription_id: str | None
    steps: list[Step]


class _GivenHeaders:
    """Headers of which only the names are known."""

    def __init__(self, names: str) -> None:
        self._names = {name.strip().lower() for name in names.split(",")}

    def get(self, key: str, default: str | None = None) -> str | None:
        return "given" if key in self._names and key else default

    def get_all(self, key: str) -> Sequence[str]:
        return ("given",) if key in self._names else ()


class Explaining:
    """One question on its way through the steps; `done` gets the answer."""

    def __init__(
        self,
        asked: Headers,
        done: Callable[[Answer], None],
        *,
        node: str,
        follower: RegistryFollower,
        store: StoreClient,
    ) -> None:
        """Read the question."""
        self._asked = asked
        self._done = done
        self._node = node
        self._follower = follower
        self._store = store
        self._now_ms = time.time_ns() // 1_000_000
        self._grant: Grant | None = None
        self._admission: decision.Admission | None = None
        self._steps: list[Step] = []
        self._first_failure: Answer | None = None

    def start(
        self, peppers: Sequence[bytes], upstreams: UpstreamGuard, journal: JournalWriter
    ) -> None:
        """Go through what memory knows, then ask the counters."""
        tables = self._follower.tables
        is_leased = self._follower.lease.is_valid
        self._note("registry", None if is_leased else problems.REGISTRY_UNCONFIRMED)
        target = self._read_target()
        route = tables.routes.get(target.slug) if target else None
        if target is None:
            self._skip("api")
        else:
            self._note("api", None if route else problems.API_NOT_FOUND)
        found = self._find_grant(tables, peppers)
        self._note("credential", found if isinstance(found, Answer) else None)
        grant = self._grant = None if isinstance(found, Answer) else found
        self._try_grant(grant, route)
        self._try_use(grant, route, target)
        if route is None:
            self._skip("upstream")
        else:
            is_refused = upstreams.refuses(route)
            self._note("upstream", problems.UPSTREAM_REFUSED if is_refused else None)
        self._note("journal", None if journal.has_space else problems.METERING_UNAVAILABLE)
        self._ask_api_limit(route)

    # --- From memory --------------------------------------------------------------------------

    def _read_target(self) -> Target | None:
        try:
            target = read_target(self._asked.get("x-explain-target") or "/")
        except UnsafePathError:
            self._note("path", problems.INVALID_PATH)
            return None
        self._note("path", None, {"api": target.slug, "path": target.path})
        return target

    def _find_grant(self, tables: Tables, peppers: Sequence[bytes]) -> Grant | Answer:
        key, digest = self._asked.get("x-explain-key"), self._asked.get("x-explain-digest")
        key_id = self._asked.get("x-explain-key-id")
        if not (key or digest or key_id):
            return problems.CREDENTIAL_MISSING
        if key:
            digests = list(digest_candidates(key, peppers))
        elif digest:
            digests = [digest]
        else:
            digests = [known for known, row in tables.keys.items() if row.key_id == key_id]
        return tables.find_grant(digests) or problems.CREDENTIAL_INVALID

    def _try_grant(self, grant: Grant | None, route: Route | None) -> None:
        if grant is None:
            self._skip("key", "subscription", "claims")
            return
        business_ms = self._now_ms + grant.subscription.clock_offset_ms
        self._note("key", decision.refuse_key(grant, business_ms))
        self._note("subscription", decision.refuse_subscription(grant, business_ms))
        if route is None:
            self._skip("claims")
        else:
            self._note("claims", decision.refuse_claims(grant, route))

    def _try_use(self, grant: Grant | None, route: Route | None, target: Target | None) -> None:
        if grant is None or route is None or target is None:
            self._skip("use")
            return
        asked = self._asked
        call = decision.Call(
            request_id=f"explained-{uuid.uuid4().hex}",
            slug=target.slug,
            method=(asked.get("x-explain-method") or "GET").upper(),
            path=target.path,
            client_ip=asked.get("x-explain-address") or "",
            headers=_GivenHeaders(asked.get("x-explain-headers") or ""),
            raw_target=asked.get("x-explain-target") or "/",
        )
        self._note("use", decision.refuse_use(grant, route, call))
        business_ms = self._now_ms + grant.subscription.clock_offset_ms
        period = grant.find_period(business_ms)
        self._admission = decision.Admission(
            call, route, grant, period, business_ms, self._now_ms, event_id="explained"
        )

    # --- From the counters --------------------------------------------------------------------

    def _ask_api_limit(self, route: Route | None) -> None:
        if route is None or not route.limits:
            if route is None:
                self._skip("api limit")
            else:
                self._note("api limit", None)
            self._ask_limits()
            return
        unknown = ("",) * len(route.limits)
        self._store.call(lease_command(route, 0, 0, unknown), self._when_api_limit_known)

    def _when_api_limit_known(self, reply: Any) -> None:
        if isinstance(reply, StoreUnavailableError):
            self._note("api limit", problems.STORE_UNAVAILABLE)
        else:
            wait_ms = int(reply[1])
            details = {"wait_ms": str(wait_ms)} if wait_ms else {}
            self._note("api limit", problems.API_RATE_LIMIT_EXCEEDED if wait_ms else None, details)
        self._ask_limits()

    def _ask_limits(self) -> None:
        admission = self._admission
        if admission is None:
            self._skip("limits")
            self._finish()
            return
        if admission.period is None and admission.grant.needs_period:
            self._note("limits", problems.STORE_COLD)
            self._finish()
            return
        done = partial(self._when_limits_known, admission)
        asked = Asked(admission.call.request_id, admission.event_id, admission.decided_at, done)
        self._store.call(admission.take_form().encode_peek(asked), done)

    def _when_limits_known(self, admission: decision.Admission, reply: Any) -> None:
        if isinstance(reply, StoreUnavailableError):
            is_hard = admission.grant.has_hard_quota
            details = {} if is_hard else {"store": "unavailable"}
            self._note("limits", problems.STORE_UNAVAILABLE if is_hard else None, details)
        else:
            taken = Taken(reply[0])
            refusal = None if taken.is_allowed else taken.refusal_uncounted(admission)
            # What this question itself would have taken is not taken.
            self._note("limits", refusal, dict(taken.headers(admission)))
        self._finish()

    # --- The answer ---------------------------------------------------------------------------

    def _note(
        self, step: str, refusal: Answer | None, details: dict[str, str] | None = None
    ) -> None:
        if refusal is None:
            self._steps.append(Step(step, PASSED, details=details or {}))
            return
        self._first_failure = self._first_failure or refusal
        body = msgspec.json.decode(refusal.body)
        more = {name: str(body[name]) for name in ("reason", "header") if name in body}
        self._steps.append(
            Step(step, FAILED, refusal.code, body["title"], {**more, **(details or {})})
        )

    def _skip(self, *steps: str) -> None:
        self._steps += [Step(step, SKIPPED) for step in steps]

    def _finish(self) -> None:
        head, grant, failure = self._follower.head, self._grant, self._first_failure
        explanation = Explanation(
            decision=failure.code if failure else ALLOWED,
            status=failure.status if failure else 200,
            node=self._node,
            epoch=head.epoch if head else None,
            version=head.version if head else None,
            key_id=grant.key.key_id if grant else None,
            subscription_id=grant.key.sub_id if grant else None,
            steps=self._steps,
        )
        headers = [("content-type", "application/json"), ("cache-control", "no-store")]
        self._done(Answer("explained", 200, headers, msgspec.json.encode(explanation)))
