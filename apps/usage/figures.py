"""What calls add up to, as analytics show it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Final

from apps.usage.sketch import Sketch

SHARES: Final = (0.5, 0.95, 0.99)


@dataclass(frozen=True)
class Figures:
    """Sums over some calls. Every call is in exactly one class: answered (below 300), redirected, refused (4xx), failed (5xx)
    or unconfirmed. Latency is of the calls whose end was logged.
    """

    calls: int = 0
    billable: int = 0
    redirected: int = 0
    refused: int = 0
    failed: int = 0
    unconfirmed: int = 0
    timed: int = 0
    latency_sum_ms: int = 0
    request_bytes: int = 0
    response_bytes: int = 0
    sketch: Sketch = field(default_factory=Sketch)

    def __add__(self, other: Figures) -> Figures:
        return Figures(
            self.calls + other.calls,
            self.billable + other.billable,
            self.redirected + other.redirected,
            self.refused + other.refused,
            self.failed + other.failed,
            self.unconfirmed + other.unconfirmed,
            self.timed + other.timed,
            self.latency_sum_ms + other.latency_sum_ms,
            self.request_bytes + other.request_bytes,
            self.response_bytes + other.response_bytes,
            self.sketch + other.sketch,
        )

    @property
    def answered(self) -> int:
        """Calls with a status below 300."""
        return self.calls - self.redirected - self.refused - self.failed - self.unconfirmed

    @property
    def errors(self) -> int:
        """Calls with a status of 400 and above."""
        return self.refused + self.failed

    @property
    def error_share(self) -> float:
        """Errors as a share of all calls; zero without calls."""
        return self.errors / self.calls if self.calls else 0.0

    @property
    def average_ms(self) -> int | None:
        """The mean latency; None without timed calls."""
        return round(self.latency_sum_ms / self.timed) if self.timed else None

    @property
    def p50_ms(self) -> int | None:
        """The median latency."""
        return self._quantiles[0]

    @property
    def p95_ms(self) -> int | None:
        """The latency below which 95 percent of the calls stayed."""
        return self._quantiles[1]

    @property
    def p99_ms(self) -> int | None:
        """The latency below which 99 percent of the calls stayed."""
        return self._quantiles[2]

    @cached_property
    def _quantiles(self) -> tuple[int | None, ...]:
        return self.sketch.quantiles(*SHARES)


@dataclass(frozen=True, slots=True)
class Point:
    """One hour or one local day; `at` is in the zone of the side that looks."""

    at: datetime
    figures: Figures
