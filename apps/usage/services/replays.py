"""Asking a gateway node to compare its journal with the stored calls, and to send what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.exceptions import RuleViolated
from apps.usage.enums import ReplayStatus
from apps.usage.exceptions import NodeRetired, ReplayOver, ReplayWaiting
from apps.usage.models import LogReplay, ShipperState

UNREADABLE_KEPT: Final = 100
# Stands for a node where files were replayed by hand.
FILES_NODE: Final = "files"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayResult:
    """What a node found. `covered_from` is since when it has its files; `unreadable` is `file:line`."""

    covered_from: datetime
    call_count: int
    known_count: int
    sent_count: int
    unconfirmed_count: int
    line_count: int
    unjournaled_count: int
    unreadable: tuple[str, ...] = ()
    error: str = ""


@transaction.atomic
def request_replay(
    *, node: ShipperState, since: datetime, until: datetime, actor: Actor, reason: str = ""
) -> LogReplay:
    """Ask a node to send the calls of a span of real time that are not stored; it hears of it with its next report.

    Raises:
        RuleViolated: the span is empty, or not over yet.
        NodeRetired: the node is out of service.
        ReplayWaiting: another replay of the node has not ended.
    """
    if since >= until:
        raise RuleViolated(_("The span ends before it begins."), field="until")
    if until > clock.now():
        raise RuleViolated(_("Only a span that is over can be replayed."), field="until")
    state = ShipperState.objects.select_for_update().get(pk=node.pk)
    if state.retired_at is not None:
        raise NodeRetired
    if state.replay_id is not None:
        raise ReplayWaiting
    replay = LogReplay.objects.create(
        node=state.node, since=since, until=until, reason=reason[:500]
    )
    state.replay_id = replay.pk
    state.save(update_fields=["replay_id"])
    record_audit(
        action="usage:replay:requested",
        target=replay,
        actor=actor,
        after={"node": state.node, "since": since, "until": until},
        reason=replay.reason,
    )
    return replay


@transaction.atomic
def finish_replay(*, replay_id: UUID, result: ReplayResult, actor: Actor) -> LogReplay:
    """Keep what a node found. Its calls came before, through intake.

    Raises:
        ReplayOver: it was ended before, for example because it took too long.
    """
    replay = LogReplay.objects.select_for_update().get(pk=replay_id)
    if replay.status != ReplayStatus.REQUESTED:
        raise ReplayOver
    replay.status = ReplayStatus.FAILED if result.error else ReplayStatus.DONE
    replay.covered_from = result.covered_from
    replay.call_count, replay.known_count = result.call_count, result.known_count
    replay.sent_count, replay.unconfirmed_count = result.sent_count, result.unconfirmed_count
    replay.line_count, replay.unjournaled_count = result.line_count, result.unjournaled_count
    replay.unreadable, replay.error = list(result.unreadable[:UNREADABLE_KEPT]), result.error
    replay.finished_at = clock.now()
    replay.save()
    _forget(replay)
    record_audit(
        action="usage:replay:finished",
        target=replay,
        actor=actor,
        after={
            "node": replay.node,
            "calls": replay.call_count,
            "known": replay.known_count,
            "sent": replay.sent_count,
            "error": replay.error,
        },
    )
    return replay


@transaction.atomic
def record_file_replay(
    *, files: Sequence[str], since: datetime, until: datetime, result: ReplayResult, actor: Actor
) -> LogReplay:
    """Keep that somebody replayed files by hand, beside the replays that nodes were asked for.

    Args:
        since, until: when the first of their calls was decided, and just after the last.
    """
    replay = LogReplay.objects.create(
        node=FILES_NODE,
        since=since,
        until=until,
        status=ReplayStatus.DONE,
        reason=", ".join(files)[:500],
        covered_from=result.covered_from,
        call_count=result.call_count,
        known_count=result.known_count,
        sent_count=result.sent_count,
        unconfirmed_count=result.unconfirmed_count,
        line_count=result.line_count,
        unjournaled_count=result.unjournaled_count,
        unreadable=list(result.unreadable[:UNREADABLE_KEPT]),
        finished_at=clock.now(),
    )
    record_audit(
        action="usage:replay:files_replayed",
        target=replay,
        actor=actor,
        after={"files": list(files), "calls": replay.call_count, "sent": replay.sent_count},
    )
    return replay


@transaction.atomic
def give_up_replay(*, replay: LogReplay, reason: str) -> None:
    """End a replay that the node did not answer in time, so that another can be asked for."""
    row = LogReplay.objects.select_for_update().get(pk=replay.pk)
    if row.status != ReplayStatus.REQUESTED:
        return
    row.status, row.error, row.finished_at = ReplayStatus.FAILED, reason, clock.now()
    row.save(update_fields=["status", "error", "finished_at", "updated_at"])
    _forget(row)


def _forget(replay: LogReplay) -> None:
    ShipperState.objects.filter(node=replay.node, replay_id=replay.pk).update(replay_id=None)
