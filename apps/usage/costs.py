"""Where the usage pages learn what calls cost. Prices are an app's above this one, which registers its source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from apps.core.actors import Actor
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
