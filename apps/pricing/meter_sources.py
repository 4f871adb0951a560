"""What a price may charge for beside calls: asked of the apps above through a registry.

Source: docs/architecture/apps-and-layers.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterFacts:
    """What a price must know of a meter.

    Attributes:
        adds_up: a period's quantity is the sum of its parts, so that parts can have prices of their own.
        is_sum: it adds up amounts of events, so that a percentage of them makes sense.
        rounds: it rounds a period's quantity, so that the amount of one event is not what it counts.
        dimensions: by name, the values that are counted apart.
    """

    name: str
    unit: str = ""
    adds_up: bool = True
    is_sum: bool = False
    rounds: bool = False
    dimensions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


# Facts of each meter that an API counts by, by key.
MeterSource = Callable[[UUID], Mapping[str, MeterFacts]]

_sources: list[MeterSource] = []


def register_meter_source(source: MeterSource) -> None:
    """Add a source of meters; called once, when the app is ready."""
    _sources.append(source)


def meters_of_api(api_id: UUID) -> dict[str, MeterFacts]:
    """Return what prices must know of the meters of an API that count now, beside calls."""
    return {key: facts for source in _sources for key, facts in source(api_id).items()}
