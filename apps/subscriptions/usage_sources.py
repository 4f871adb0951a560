"""Where pages and the gateway learn how many calls a subscription has used.

Usage is counted by an app above this one, which registers its source when it is ready. Without a source
nothing has been used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from apps.core.clock import Period
from apps.subscriptions.models import Subscription


class UsageQuestion(NamedTuple):
    """How many calls that count towards the quota has this subscription made in this period?"""

    subscription_id: UUID
    period: Period


# Answers many questions at once, in a number of queries that does not depend on how many there are.
UsageSource = Callable[[Sequence[UsageQuestion]], Mapping[UsageQuestion, int]]

_sources: list[UsageSource] = []


def register_usage_source(source: UsageSource) -> None:
    """Let an app answer; called once, from its `AppConfig.ready()`.

    Raises:
        RuntimeError: another source was registered before.
    """
    if _sources and _sources[0] is not source:
        msg = "a usage source is registered already"
        raise RuntimeError(msg)
    _sources[:] = [source]


def used_calls(questions: Iterable[UsageQuestion]) -> dict[UsageQuestion, int]:
    """Return the used calls for each question."""
    asked = list(questions)
    known = _sources[0](asked) if _sources and asked else {}
    return {question: known.get(question, 0) for question in asked}


# Answers how many calls the gateway has let through, the newest included.
LiveSource = Callable[[Subscription, Period], int]

_live_sources: list[LiveSource] = []


def register_live_source(source: LiveSource) -> None:
    """Let an app answer from the gateway's counters; called once, from its `AppConfig.ready()`.

    Raises:
        RuntimeError: another source was registered before.
    """
    if _live_sources and _live_sources[0] is not source:
        msg = "a live usage source is registered already"
        raise RuntimeError(msg)
    _live_sources[:] = [source]


def live_used_calls(subscription: Subscription, period: Period) -> int:
    """Return the calls that were let through in a period; at least those that have been counted.

    The subscription comes with its `consumer_organization`.
    """
    question = UsageQuestion(subscription.pk, period)
    live = _live_sources[0](subscription, period) if _live_sources else 0
    return max(live, used_calls([question])[question])
