"""The question whether an account has a way to pay, which a higher app answers."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

_sources: list[Callable[[UUID], bool]] = []


def register_card_source(has_card: Callable[[UUID], bool]) -> None:
    """Say how to find out; called by `AppConfig.ready` of the app that keeps ways to pay."""
    if has_card not in _sources:
        _sources.append(has_card)


def has_card(organization_id: UUID) -> bool:
    """Whether an organization has a saved way to pay."""
    return any(source(organization_id) for source in _sources)
