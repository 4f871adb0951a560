"""What needs attention: each app tells the back office's start page how much waits for a person there.

    @attention(roles=("approver",))
    def overdue_reviews() -> Iterable[AttentionItem]: …

A provider runs a few indexed counts and yields an item per thing that waits; zero counts are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from django.utils.functional import Promise

from apps.core.actors import Actor

Tone = Literal["bad", "warn", "info"]
_URGENCY: dict[str, int] = {"bad": 0, "warn": 1, "info": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionItem:
    """One line of the start page: `count` things waiting, described, with the list that shows them."""

    label: str | Promise
    count: int
    url: str
    tone: Tone = "warn"
    note: str | Promise = ""


Provider = Callable[[], Iterable[AttentionItem]]


@dataclass(frozen=True, slots=True)
class _Registered:
    provider: Provider
    roles: tuple[str, ...]


_providers: dict[str, _Registered] = {}


def attention(*, roles: tuple[str, ...]) -> Callable[[Provider], Provider]:
    """Register a provider whose items people with one of these back-office roles see."""

    def register(provider: Provider) -> Provider:
        name = f"{provider.__module__}.{provider.__qualname__}"
        _providers[name] = _Registered(provider, roles)
        return provider

    return register


def attention_items(actor: Actor) -> list[AttentionItem]:
    """Return what waits for this person: the worst first, then by how much of it there is."""
    items = [
        item
        for registered in _providers.values()
        if actor.has_staff_role(*registered.roles)
        for item in registered.provider()
        if item.count
    ]
    return sorted(items, key=lambda item: (_URGENCY[item.tone], -item.count))
