"""How often who may ask the platform's own API: the table `API_RATE_LIMITS` of the settings, read and checked.

Source: docs/operations/rate-limits.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import msgspec
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apps.core.limiter.windows import Window

ANONYMOUS: Final = "anonymous"
FREE: Final = "free"
STAFF: Final = "staff"
PLATFORM: Final = "platform"
PAID: Final = ("paid-1", "paid-2", "paid-3")
TIERS: Final = (ANONYMOUS, FREE, *PAID, STAFF, PLATFORM)
EVERY_TIER: Final = "*"
MINUTE_S: Final = 60
FALLBACKS: Final = ("memory", "open")


class Allowance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Calls per minute, and how many of them within `burst_s` seconds."""

    per_minute: int
    burst: int
    burst_s: int = 1


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tiers: dict[str, Allowance | None]
    routes: dict[str, dict[str, Allowance | None]] = {}
    exempt: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """The windows of one tier; those of a route are counted by themselves under the route's name."""

    name: str
    windows: tuple[Window, ...]
    route: str = ""


def policy_for(tier: str, route: str) -> Policy | None:
    """Return what holds for a tier at a route; None where nothing is limited.

    Raises:
        ImproperlyConfigured: the settings' table cannot be read; the message names the place.
    """
    encoded = msgspec.json.encode(settings.API_RATE_LIMITS)
    return _find_policy(encoded, tier, route)


def check_table(raw: Mapping[str, Any]) -> None:
    """See that a table can be used.

    Raises:
        ImproperlyConfigured: it cannot; the message names the place and what to write.
    """
    _read(msgspec.json.encode(raw))


@lru_cache(maxsize=2048)
def _find_policy(encoded: bytes, tier: str, route: str) -> Policy | None:
    table = _read(encoded)
    if route in table.exempt:
        return None
    own = table.routes.get(route, {})
    for name in (tier, EVERY_TIER):
        if name in own:
            return _policy(f"{tier}:{route}", own[name], route)
    return _policy(tier, table.tiers[tier], "")


def _policy(name: str, allowance: Allowance | None, route: str) -> Policy | None:
    if allowance is None:
        return None
    windows = (
        Window("burst", allowance.burst, allowance.burst_s),
        Window("minute", allowance.per_minute, MINUTE_S),
    )
    return Policy(name, windows, route)


@lru_cache(maxsize=8)
def _read(encoded: bytes) -> _Table:
    try:
        table = msgspec.json.decode(encoded, type=_Table)
    except msgspec.ValidationError as error:
        raise ImproperlyConfigured(f"API_RATE_LIMITS: {error}.") from None
    missing = [tier for tier in TIERS if tier not in table.tiers]
    if missing:
        raise ImproperlyConfigured(f"API_RATE_LIMITS: tiers has no {missing[0]!r}.")
    _check_names("tiers", set(table.tiers), set(TIERS))
    for route, own in table.routes.items():
        _check_names(f"routes.{route}", set(own), {*TIERS, EVERY_TIER})
    places = {f"tiers.{name}": value for name, value in table.tiers.items()}
    for route, own in table.routes.items():
        places |= {f"routes.{route}.{name}": value for name, value in own.items()}
    for place, allowance in places.items():
        _check_allowance(place, allowance)
    return table


def _check_names(place: str, names: set[str], known: set[str]) -> None:
    for name in sorted(names - known):
        raise ImproperlyConfigured(
            f"API_RATE_LIMITS: {place} names {name!r}; use {', '.join(sorted(known))}."
        )


def _check_allowance(place: str, allowance: Allowance | None) -> None:
    if allowance is None:
        return
    if not 1 <= allowance.burst <= allowance.per_minute:
        raise ImproperlyConfigured(
            f"API_RATE_LIMITS: {place} needs 1 <= burst <= per_minute, not "
            f"burst {allowance.burst} and per_minute {allowance.per_minute}."
        )
    if not 1 <= allowance.burst_s < MINUTE_S:
        raise ImproperlyConfigured(
            f"API_RATE_LIMITS: {place} needs a burst_s from 1 to {MINUTE_S - 1}."
        )
