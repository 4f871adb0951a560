"""Asking the gateways whether calls are missing, before a counter that is above the windows is lowered."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _

from apps.core.actors import Actor
from apps.core.db import forbid_transaction
from apps.usage.enums import ReplayStatus
from apps.usage.exceptions import ReplayWaiting
from apps.usage.models import LogReplay, NodeRetirement, ShipperState
from apps.usage.selectors import serving_shippers
from apps.usage.services.replays import give_up_replay, request_replay

POLL_S: Final = 0.25


@dataclass(slots=True)
class Proof:
    """What the nodes said. `doubts` are sentences: without any, nothing is missing that was not sent."""

    sent: int = 0
    replays: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def replay_everywhere(*, since: datetime, until: datetime, actor: Actor, takes_s: float) -> Proof:
    """Have every node compare a span of real time with what is stored, and send what is missing; wait for them.

    Raises:
        TransactionForbiddenError: called inside a transaction, in which the nodes' answers would not be seen.
    """
    proof, asked = Proof(), []
    for state in serving_shippers().order_by("node"):
        try:
            asked.append((state, request_replay(node=state, since=since, until=until, actor=actor)))
        except ReplayWaiting:
            proof.doubts.append(_("%(node)s is busy with another replay.") % {"node": state.node})
    if not asked and not proof.doubts:
        proof.doubts.append(_("No gateway node has ever reported."))
    wait_until(lambda: not _are_waiting([replay for _state, replay in asked]), takes_s)
    for state, replay in asked:
        give_up_replay(replay=replay, reason=_("The node did not answer in time."))
        replay.refresh_from_db()
        proof.sent += replay.sent_count
        proof.replays.append(replay.public_id)
        proof.doubts += _doubts_of(state, replay)
    gone = NodeRetirement.objects.filter(created_at__gte=since).values_list("node", flat=True)
    for node in sorted(set(gone)):
        proof.doubts.append(_("%(node)s was retired in this span.") % {"node": node})
    return proof


def _are_waiting(replays: Sequence[LogReplay]) -> bool:
    ids = [replay.pk for replay in replays]
    return LogReplay.objects.filter(pk__in=ids, status=ReplayStatus.REQUESTED).exists()


def _doubts_of(state: ShipperState, replay: LogReplay) -> list[str]:
    node = {"node": state.node}
    if replay.status != ReplayStatus.DONE:
        return [_("%(node)s: %(error)s") % {**node, "error": replay.error}]
    doubts = []
    # A node that is newer than the span has no older calls.
    needed = replay.since
    if state.first_reported_at is not None:
        needed = max(needed, state.first_reported_at)
    if replay.covered_from is None or replay.covered_from > needed:
        doubts.append(_("%(node)s no longer has its files of the whole span.") % node)
    if replay.unreadable:
        doubts.append(_("%(node)s has lines that cannot be read.") % node)
    if replay.unjournaled_count:
        doubts.append(_("%(node)s has logged calls that are in no journal.") % node)
    return doubts


def wait_until(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Wait for something that other processes commit; return whether it came in time.

    Raises:
        TransactionForbiddenError: called inside a transaction, which would hide it.
    """
    forbid_transaction()
    ends_at = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() >= ends_at:
            return False
        time.sleep(POLL_S)
    return True
