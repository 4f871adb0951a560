"""What the counters answered, and the headers that tell the consumer.

Source: docs/architecture/gateway.md §1, §4; draft-ietf-httpapi-ratelimit-headers-11.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

from apps.gateway.authorizer import problems
from apps.gateway.authorizer.tenants import tenant_counts

if TYPE_CHECKING:
    from apps.gateway.authorizer.decision import Admission
    from apps.gateway.authorizer.grants import Grant
    from apps.gateway.authorizer.problems import Answer, HeaderList

_MS: Final = 1000
_TAKEN_FIELDS: Final = 6


class Outcome(IntEnum):
    """First field of the answer to a call that is taken."""

    ALLOWED = 0
    REPLAYED = 1
    RATE_REFUSED = 2
    QUOTA_REFUSED = 3
    COLD = 4


class Taken:
    """The answer of `tg1_take_all` for one call."""

    __slots__ = ("_left", "_reset_ms", "_tightest", "outcome", "replayed", "used", "wait_ms")

    outcome: int
    wait_ms: int
    used: int
    _tightest: int
    _left: int
    _reset_ms: int

    def __init__(self, fields: list[Any]) -> None:
        """Read the function's answer: integers; behind them, of a call that was taken before, its first event (bytes)."""
        if len(fields) == _TAKEN_FIELDS:
            self.replayed: tuple[str, int] | None = None
        else:
            *fields, event_id, decided_at = fields
            self.replayed = (event_id.decode(), int(decided_at))
        (
            self.outcome,
            self.wait_ms,
            self.used,
            self._tightest,
            self._left,
            self._reset_ms,
        ) = fields

    @property
    def is_allowed(self) -> bool:
        """Tell whether the call may pass: now, or already the first time that it was asked."""
        return self.outcome <= Outcome.REPLAYED

    def refusal(self, admission: Admission) -> Answer:
        """Return the answer to a call that the counters refused, and count whom it held back."""
        grant = admission.grant
        is_rate = self.outcome == Outcome.RATE_REFUSED
        if is_rate and self._tightest > grant.first_tenant_window:
            tenant_counts.throttled[grant.subscription.consumer_org_id] += 1
        return self.refusal_uncounted(admission)

    def refusal_uncounted(self, admission: Admission) -> Answer:
        """Return the answer that a call would get which the counters refuse."""
        if self.outcome == Outcome.COLD:
            return problems.STORE_COLD
        headers = self.headers(admission)
        period = admission.period
        quota = admission.grant.subscription.quota
        if self.outcome == Outcome.QUOTA_REFUSED and period is not None and quota is not None:
            wait_s = _seconds(period.end - admission.business_ms)
            # Where both are reached, the plan's quota is told: a higher cap would not help.
            limit = quota.limit_in(period)
            is_used_up = quota.hard and limit is not None and self.used >= limit
            problem = problems.QUOTA_EXCEEDED if is_used_up else problems.SPEND_CAP_REACHED
            return problem.with_headers([*headers, ("retry-after", str(wait_s))])
        retry = ("retry-after", str(_seconds(self.wait_ms)))
        policy = admission.grant.windows[self._tightest - 1].name
        return problems.rate_limit_exceeded(policy).with_headers([*headers, retry])

    def headers(self, admission: Admission) -> HeaderList:
        """Return the rate-limit and quota headers."""
        grant, period = admission.grant, admission.period
        headers: HeaderList = []
        if self._tightest:
            headers += self._window_headers(grant)
        quota = grant.subscription.quota
        if quota is not None and quota.limit is not None and period is not None:
            limit = quota.limit + period.extra
            headers += [
                ("x-quota-limit", str(limit)),
                ("x-quota-remaining", str(max(0, limit - self.used))),
                ("x-quota-reset", str(_seconds(period.end - admission.business_ms))),
            ]
        return headers

    def render(self, admission: Admission) -> bytes:
        """Return the whole answer to a call that passes, with the same headers.

        Raises: ValueError when a header cannot be sent.
        """
        grant, period = admission.grant, admission.period
        numbers: tuple[int, ...] = ()
        if self._tightest:
            reset_s = _seconds(self._reset_ms)
            numbers = (self._left, reset_s, self._left, reset_s)
        quota = grant.subscription.quota
        has_quota = False
        if quota is not None and quota.limit is not None and period is not None:
            has_quota = True
            limit = quota.limit + period.extra
            reset_s = _seconds(period.end - admission.business_ms)
            numbers += (limit, max(0, limit - self.used), reset_s)
        form = grant.answer_form(admission.route, self._tightest, has_quota=has_quota)
        return form % numbers

    def _window_headers(self, grant: Grant) -> HeaderList:
        limit = grant.windows[self._tightest - 1]
        # A refused consumer is told one moment, by Retry-After and here alike.
        reset_s = str(_seconds(self.wait_ms or self._reset_ms))
        remaining = str(self._left)
        return [
            ("ratelimit-policy", grant.policy),
            ("ratelimit", f'"{limit.name}";r={remaining};t={reset_s}'),
            ("x-ratelimit-limit", str(limit.max)),
            ("x-ratelimit-remaining", remaining),
            ("x-ratelimit-reset", reset_s),
        ]


def _seconds(milliseconds: int) -> int:
    return max(1, -(-milliseconds // _MS))
