"""Where a change of plan learns what the running period has been billed already.

Periods are billed by an app above this one, which registers its source when it is ready. Without a source the running
period is the one of the calendar, and nothing has been billed in advance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from apps.core.clock import Period
from apps.subscriptions.calendar import period_at
from apps.subscriptions.models import Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepaidDiscount:
    """What a promotion took off a fee that was charged in advance.

    Attributes:
        line: public id of the invoice line that took it off.
        working: of that line.
        share_minor: how much of the line lowered this fee.
    """

    line: str
    working: Mapping[str, Any]
    share_minor: int

    def returned(self, days: int, of_days: int) -> dict[str, Any]:
        """Return the working of taking it back for some of the days that were charged."""
        kept = {
            name: self.working[name]
            for name in ("promotion", "name", "code", "kind", "value", "meter")
        }
        place = {"line": self.line, "days": days, "of_days": of_days}
        return {**kept, "base_minor": self.share_minor, "returned": place}


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepaidFee:
    """A fee that was charged when the running period, or its running part, opened.

    Attributes:
        fee: of the whole period and of every unit, in major units.
        billed_days: of `period_days`: what was charged.
        tax_percent: the rate at which it was charged.
        discounts: what promotions took off it.
    """

    component_id: UUID
    plan_name: str
    name: str
    meter: str
    fee: Decimal
    billed_days: int
    period_days: int
    tax_percent: Decimal = Decimal(0)
    discounts: tuple[PrepaidDiscount, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningPeriod:
    """The period that runs, or its running part.

    Attributes:
        span: from the last change of plan on, if there was one in the period.
        whole: the uncut period, whose days are the denominator.
        is_open: it is billed already; otherwise it is the calendar's.
    """

    span: Period
    whole: Period
    prepaid: tuple[PrepaidFee, ...] = ()
    is_open: bool = False


RunningPeriodSource = Callable[[Subscription], RunningPeriod | None]

_sources: list[RunningPeriodSource] = []


def register_running_period_source(source: RunningPeriodSource) -> None:
    """Let an app answer; called once, from its `AppConfig.ready()`.

    Raises:
        RuntimeError: another source was registered before.
    """
    if _sources and _sources[0] is not source:
        msg = "a source of running periods is registered already"
        raise RuntimeError(msg)
    _sources[:] = [source]


def running_period(subscription: Subscription, at: datetime) -> RunningPeriod:
    """Return the running period of a subscription at a moment of its business time."""
    found = _sources[0](subscription) if _sources else None
    if found is not None and found.span.start <= at < found.span.end:
        return found
    span = period_at(subscription, at)
    return RunningPeriod(span=span, whole=span)
