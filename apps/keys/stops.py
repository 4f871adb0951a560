"""Why the gateway refuses every key of a subscription for the rest of its period, though none of them was changed.

A quota that is used up stops all keys of a subscription at once. Nothing is written for it: a key's stored state stays
what it is, and what is *shown* is worked out when it is read, from the gateway's counters. An app above this one knows
those, and registers its source when it is ready.

Source: docs/domain/keys.md, "Suspended by a quota".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.core.ids import format_public_id
from apps.keys.enums import KeyStatus

SUBSCRIPTION_PREFIX: Final = "sub"
# Keys that would pass: the others show the state that stops them anyway.
STOPPABLE: Final = (KeyStatus.ACTIVE, KeyStatus.ROTATING)
LABELS: Final[dict[str, str | Promise]] = {
    "quota_exceeded": _("Quota used up"),
    "spend_cap_reached": _("Spend cap reached"),
}


class Stop(NamedTuple):
    """Why a subscription's keys are refused, as the code of the gateway's answer, and until when (business time)."""

    reason: str
    until: datetime

    @property
    def label(self) -> str | Promise:
        """The reason in words."""
        return LABELS.get(self.reason, self.reason)


class StoppableKey(Protocol):
    """What is asked of a key; `known_stop` holds the answer."""

    id: UUID
    status: str
    subscription_id: UUID
    known_stop: tuple[Stop | None] | None


# Answers for subscriptions by public id, in a number of queries that does not depend on how many there are.
StopSource = Callable[[Sequence[str]], Mapping[str, Stop]]

_sources: list[StopSource] = []


def register_stop_source(source: StopSource) -> None:
    """Let an app answer; called once, from its `AppConfig.ready()`.

    Raises:
        RuntimeError: another source was registered before.
    """
    if _sources and _sources[0] is not source:
        msg = "a stop source is registered already"
        raise RuntimeError(msg)
    _sources[:] = [source]


def mark_stops(keys: Iterable[StoppableKey]) -> None:
    """Work out for many keys at once what `ApiKey.stop` says of each."""
    rows = list(keys)
    named = {
        key.id: format_public_id(SUBSCRIPTION_PREFIX, key.subscription_id)
        for key in rows
        if key.status in STOPPABLE
    }
    asked = sorted(set(named.values()))
    found = _sources[0](asked) if _sources and asked else {}
    for key in rows:
        key.known_stop = (found.get(named.get(key.id, "")),)
