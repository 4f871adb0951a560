"""What the counters answered, and the headers that tell the consumer.

Source: docs/architecture/gateway.md §1, §4; draft-ietf-httpapi-ratelimit-headers-11.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final

from apps.gateway.authorizer import problems

if TYPE_CHECKING:
    from apps.gateway.authorizer.decision import Admission
    from apps.gateway.authorizer.grants import Grant
    from apps.gateway.authorizer.problems import Answer, HeaderList

_MS: Final = 1000
_FIXED_FIELDS: Final = 5


class Outcome(IntEnum):
    """First field of `tg1_take`'s answer."""

    ALLOWED = 0
    REPLAYED = 1
    RATE_REFUSED = 2
    QUOTA_REFUSED = 3
    COLD = 4


class Taken:
    """The answer of `tg1_take` for one call."""

    __slots__ = ("_windows", "decided_at", "event_id", "outcome", "used", "wait_ms")

    def __init__(self, fields: list[int | bytes]) -> None:
        """Read the function's answer."""
        code, wait_ms, event_id, decided_at, used = fields[:_FIXED_FIELDS]
        self.outcome = Outcome(int(code))
        self.wait_ms = int(wait_ms)
        self.event_id = event_id.decode() if isinstance(event_id, bytes) else str(event_id)
        self.decided_at = int(decided_at)
        self.used = int(used)
        self._windows = [int(number) for number in fields[_FIXED_FIELDS:]]

    @property
    def is_allowed(self) -> bool:
        """Tell whether the call may pass: now, or already the first time that it was asked."""
        return self.outcome <= Outcome.REPLAYED

    def refusal(self, admission: Admission) -> Answer:
        """Return the answer to a call that the counters refused."""
        if self.outcome is Outcome.COLD:
            return problems.STORE_COLD
        headers = self.headers(admission)
        period = admission.period
        if self.outcome is Outcome.QUOTA_REFUSED and period is not None:
            wait_s = _seconds(period.end - admission.business_ms)
            return problems.QUOTA_EXCEEDED.with_headers([*headers, ("retry-after", str(wait_s))])
        retry = ("retry-after", str(_seconds(self.wait_ms)))
        return problems.RATE_LIMIT_EXCEEDED.with_headers([*headers, retry])

    def headers(self, admission: Admission) -> HeaderList:
        """Return the rate-limit and quota headers."""
        grant, period = admission.grant, admission.period
        headers: HeaderList = []
        if self._windows:
            headers += self._window_headers(grant)
        quota = grant.subscription.quota
        if quota is not None and quota.limit is not None and period is not None:
            headers += [
                ("x-quota-limit", str(quota.limit)),
                ("x-quota-remaining", str(max(0, quota.limit - self.used))),
                ("x-quota-reset", str(_seconds(period.end - admission.business_ms))),
            ]
        return headers

    def _window_headers(self, grant: Grant) -> HeaderList:
        left, resets = self._windows[::2], self._windows[1::2]
        least = left.index(min(left))
        limit = grant.windows[least]
        # A refused consumer is told one moment, by Retry-After and here alike.
        reset_s = str(_seconds(self.wait_ms or resets[least]))
        remaining = str(left[least])
        return [
            ("ratelimit-policy", grant.policy),
            ("ratelimit", f'"{limit.name}";r={remaining};t={reset_s}'),
            ("x-ratelimit-limit", str(limit.max)),
            ("x-ratelimit-remaining", remaining),
            ("x-ratelimit-reset", reset_s),
        ]


def _seconds(milliseconds: int) -> int:
    return max(1, -(-milliseconds // _MS))
