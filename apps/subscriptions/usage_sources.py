"""Where pages and the gateway learn how many calls a subscription has used.

Usage is counted by an app above this one, which registers its source when it is ready. Without a source
nothing has been used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from apps.core.clock import Period


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
