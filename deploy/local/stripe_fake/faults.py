"""Faults asked for by tests: the next requests to a path fail, hang, or lose their answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Any, Literal, get_args

from deploy.local.stripe_fake.errors import StripeError
from deploy.local.stripe_fake.messages import Response, json_response

Kind = Literal["error", "delay", "drop", "timeout"]
When = Literal["before", "after"]
DEFAULT_HANG_MS = 30_000


@dataclass
class Fault:
    """One rule.

    Attributes:
        path: Shell pattern of the path, such as `/v1/refunds` or `/v1/payment_intents/*`.
        method: HTTP method, or `*`.
        kind: `error` answers `status`; `delay` waits, then goes on; `drop` closes the connection;
            `timeout` waits, then closes it.
        when: `before` the request has any effect, or `after` it was carried out: then the client
            does not know that it succeeded, and must retry under its idempotency key.
        count: How many requests it still hits.
    """

    path: str
    method: str = "*"
    kind: Kind = "error"
    when: When = "before"
    status: int = HTTPStatus.INTERNAL_SERVER_ERROR
    delay_ms: int = 0
    count: int = 1

    def __post_init__(self) -> None:
        """Refuse words that would silently do nothing."""
        if self.kind not in get_args(Kind) or self.when not in get_args(When):
            raise ValueError(f"unknown kind or when: {self.kind}, {self.when}")

    def hits(self, method: str, path: str) -> bool:
        """Return whether a request is meant."""
        return self.method in ("*", method) and fnmatchcase(path, self.path)


class Faults:
    """The rules in force, used up one request at a time."""

    def __init__(self) -> None:
        """Start without any."""
        self._rules: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, rule: Fault) -> None:
        """Put a rule in force."""
        with self._lock:
            self._rules.append(rule)

    def clear(self) -> None:
        """End all rules."""
        with self._lock:
            self._rules.clear()

    def listed(self) -> list[dict[str, Any]]:
        """Return the rules still in force."""
        with self._lock:
            return [asdict(rule) for rule in self._rules]

    def _take(self, method: str, path: str) -> Fault | None:
        with self._lock:
            for rule in self._rules:
                if rule.hits(method, path):
                    rule.count -= 1
                    if rule.count <= 0:
                        self._rules.remove(rule)
                    return rule
        return None

    def around(self, method: str, path: str, proceed: Callable[[], Response]) -> Response:
        """Answer a request, with the fault that hits it, if any."""
        fault = self._take(method, path)
        if fault is None:
            return proceed()
        if fault.when == "before":
            return _broken(fault) or proceed()
        answer = proceed()
        return _broken(fault) or answer


def _broken(fault: Fault) -> Response | None:
    """Play the fault; None when the request goes on."""
    if fault.kind == "error":
        return _error_response(fault.status)
    if fault.kind in ("delay", "timeout"):
        default_ms = DEFAULT_HANG_MS if fault.kind == "timeout" else 0
        time.sleep((fault.delay_ms or default_ms) / 1000)
    return None if fault.kind == "delay" else Response(0, dropped=True)


def _error_response(status: int) -> Response:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        error = StripeError(
            "Request rate limit exceeded. Learn more about rate limits here "
            "https://stripe.com/docs/rate-limits.",
            code="rate_limit",
        )
    else:
        error = StripeError("An unknown error occurred", type="api_error")
    return json_response(status, error.body("req_injected"))
