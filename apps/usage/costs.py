"""Where the usage pages learn what calls cost. Prices are an app's above this one, which registers its source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from apps.core.actors import Actor
from apps.core.clock import Period
from apps.core.money import Money


@dataclass(frozen=True, slots=True)
class CostOutlook:
    """What an organization's running periods cost so far, and are expected to cost; before tax."""

    so_far: Money
    projected: Money
    first_end: datetime


CostSource = Callable[[Actor], list[CostOutlook]]

_sources: list[CostSource] = []


def register_cost_source(source: CostSource) -> None:
    """Let an app answer; called once, from its `AppConfig.ready()`.

    Raises:
        RuntimeError: another source was registered before.
    """
    if _sources and _sources[0] is not source:
        msg = "a cost source is registered already"
        raise RuntimeError(msg)
    _sources[:] = [source]


def cost_outlooks(actor: Actor) -> list[CostOutlook]:
    """Return the outlook per currency; nothing without a source or without the right to read bills."""
    if not _sources or not actor.can("billing.read"):
        return []
    return _sources[0](actor)


class CostQuestion(NamedTuple):
    """What do an organization's subscriptions cost within a span, in one currency, before tax?

    Asked as of `at`, in the account's time; for a moment that has passed it is answered with what was counted until
    then. `subscription_id` or `api_id` keeps one subscription, or those of one API.
    """

    organization_id: UUID
    span: Period
    at: datetime
    currency: str
    subscription_id: UUID | None = None
    api_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class SpanCost:
    """What was spent within a span so far, and what it will be at the pace of the last week; before tax.

    `left_out` are the currencies of other subscriptions, which are not converted.
    """

    so_far: Money
    projected: Money
    left_out: frozenset[str] = frozenset()


SpanCostSource = Callable[[Sequence[CostQuestion]], Mapping[CostQuestion, SpanCost]]

_span_sources: list[SpanCostSource] = []


def register_span_cost_source(source: SpanCostSource) -> None:
    """Let an app answer; called once, from its `AppConfig.ready()`.

    Raises:
        RuntimeError: another source was registered before.
    """
    if _span_sources and _span_sources[0] is not source:
        msg = "a source of costs of spans is registered already"
        raise RuntimeError(msg)
    _span_sources[:] = [source]


def span_costs(questions: Iterable[CostQuestion]) -> dict[CostQuestion, SpanCost]:
    """Return the cost for each question, in a number of queries that does not depend on how many there are.

    Without a source nothing costs anything.
    """
    asked = list(questions)
    known = _span_sources[0](asked) if _span_sources and asked else {}
    return {
        question: known.get(question)
        or SpanCost(Money.zero(question.currency), Money.zero(question.currency))
        for question in asked
    }
