"""The second half of a decision: a call that memory admits takes its limits and is put on file.

Callbacks instead of a task and futures per call: those cost more than everything that is decided here.

Source: docs/architecture/gateway.md §1, §4, §5.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from apps.gateway.authorizer import problems
from apps.gateway.authorizer.limits import Taken
from apps.gateway.authorizer.resp import command
from apps.gateway.authorizer.store_client import StoreUnavailableError
from apps.gateway.authorizer.taking import Asked
from apps.gateway.authorizer.tenants import tenant_counts
from apps.gateway.journal import JournalRecord
from apps.gateway.store import names

if TYPE_CHECKING:
    from typing import Protocol

    from apps.gateway.authorizer.api_limits import ApiLimits
    from apps.gateway.authorizer.decision import Admission
    from apps.gateway.authorizer.journal import JournalWriter
    from apps.gateway.authorizer.problems import Answer
    from apps.gateway.authorizer.store_client import StoreClient

    class Replier(Protocol):
        """Where the answer goes."""

        def render_allowed(self, admission: Admission, taken: Taken | None) -> bytes:
            """Return the answer that lets the call on."""

        def allow(self, rendered: bytes) -> None:
            """Let the call on."""

        def refuse(self, answer: Answer) -> None:
            """Refuse the call."""


logger = logging.getLogger(__name__)

MAX_PATH_CHARS: Final = 1024


class Admitting:
    """One call on its way from the store through the journal to its answer."""

    __slots__ = (
        "_admission",
        "_allowed",
        "_api_limits",
        "_is_taken",
        "_journal",
        "_node",
        "_replier",
        "_store",
    )

    def __init__(
        self,
        admission: Admission,
        replier: Replier,
        *,
        store: StoreClient,
        journal: JournalWriter,
        api_limits: ApiLimits,
        node: str,
    ) -> None:
        """Take the call's limits; `replier` hears of the end.

        The API's own limits have been taken already; they are given back when the call does not pass.
        """
        self._admission = admission
        self._replier = replier
        self._store = store
        self._journal = journal
        self._api_limits = api_limits
        self._node = node
        self._allowed = b""
        self._is_taken = False
        asked = Asked(
            admission.call.request_id, admission.event_id, admission.decided_at, self._when_taken
        )
        store.take(admission.take_form(), asked)

    def _when_taken(self, reply: Any) -> None:
        """Go on when the counters have answered."""
        try:
            refusal = self._read(reply)
        except Exception:  # an answer must be given, and it must not be 200
            logger.exception("authorizer: failed to decide")
            refusal = problems.INTERNAL
        if refusal is not None:
            self._replier.refuse(refusal)
            self._give_back()

    def _read(self, reply: Any) -> Answer | None:
        """Return the refusal that the counters demand; else put the call on file."""
        admission = self._admission
        taken: Taken | None = None
        if isinstance(reply, StoreUnavailableError):
            if admission.grant.has_hard_quota:
                return problems.STORE_UNAVAILABLE
        else:
            taken = Taken(reply)
            if not taken.is_allowed:
                return taken.refusal(admission)
            self._is_taken = True
            tenant_counts.recent[admission.grant.subscription.consumer_org_id] += 1
            if taken.replayed is not None:
                admission.event_id, admission.decided_at = taken.replayed
                if admission.route.limits:
                    # It was taken the first time.
                    self._api_limits.give_back(admission.route, admission.api_cells)
        # The answer is made before the line: a call on file must be answered.
        self._allowed = self._replier.render_allowed(admission, taken)
        self._journal.append(self._record(), self._when_filed)
        return None

    def _when_filed(self, is_on_file: bool) -> None:  # noqa: FBT001 -- the journal's callback
        """Let the call on if its line is on file."""
        if is_on_file:
            self._replier.allow(self._allowed)
            return
        self._replier.refuse(problems.METERING_UNAVAILABLE)
        self._give_back()

    def _record(self) -> JournalRecord:
        admission = self._admission
        call, key = admission.call, admission.grant.key
        subscription = admission.grant.subscription
        return JournalRecord(
            request_id=call.request_id,
            event_id=admission.event_id,
            decided_at=admission.decided_at,
            key_id=key.key_id,
            subscription_id=key.sub_id,
            api_id=admission.route.api_id,
            node=self._node,
            method=call.method,
            path=call.path[:MAX_PATH_CHARS],
            clock_offset_ms=subscription.clock_offset_ms if subscription.sandbox else None,
        )

    def _give_back(self) -> None:
        """Return what a call that does not pass has taken. The consumer's windows fade by themselves."""
        admission = self._admission
        if admission.route.limits:
            self._api_limits.give_back(admission.route, admission.api_cells)
        if not self._is_taken or admission.period is None:
            return
        org_id = admission.grant.subscription.consumer_org_id
        counters = names.subscription_counters(org_id, admission.grant.key.sub_id)
        mark = names.given_back(org_id, admission.event_id)
        start = str(admission.period.start)
        self._store.call(
            command("FCALL", "tg1_adjust_counter", "2", counters, mark, start, "-1"),
            _log_lost_give_back,
        )


def _log_lost_give_back(reply: Any) -> None:
    if isinstance(reply, StoreUnavailableError):
        # Reconciliation finds the counter above the windows and corrects it.
        logger.warning("quota of a refused call was not given back: %s", reply)
