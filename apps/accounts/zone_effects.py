"""What a move to another time zone would change elsewhere: asked before it is made, answered by the apps above."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from apps.accounts.models import Organization


@dataclass(frozen=True, slots=True)
class ZoneEffect:
    """A thing whose present period would end at another moment."""

    title: str
    ends_at: datetime
    new_ends_at: datetime


_sources: list[Callable[[Organization, str], list[ZoneEffect]]] = []


def register_zone_effects(source: Callable[[Organization, str], list[ZoneEffect]]) -> None:
    """Say what follows an organization to another zone; called by `AppConfig.ready`."""
    if source not in _sources:
        _sources.append(source)


def effects_of_move(organization: Organization, timezone: str) -> list[ZoneEffect]:
    """Return what would end at another moment if the organization moved."""
    return [effect for source in _sources for effect in source(organization, timezone)]
