"""What shippers report, and nodes that are gone for good."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext as _

from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.exceptions import RuleViolated
from apps.usage.constants import SHIPPER_SILENT_AFTER
from apps.usage.enums import ReplayStatus
from apps.usage.exceptions import NodeRetired, NodeStillReports
from apps.usage.models import LogReplay, NodeRetirement, ShipperState

# One statement, because it runs with each batch. A node that reports again is in service again.
_NOTE: Final = """
    INSERT INTO usage_shipperstate AS s (node, oldest_unshipped_at, reported_at, first_reported_at)
    VALUES (%s, %s, %s, %s)
    ON CONFLICT (node) DO UPDATE SET
        oldest_unshipped_at = EXCLUDED.oldest_unshipped_at, reported_at = EXCLUDED.reported_at, retired_at = NULL
    RETURNING replay_id
"""


def note_shipper(*, node: str, oldest_unshipped_at: datetime) -> UUID | None:
    """Remember how far a shipper has come; return the replay that waits for it, if one does."""
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, [node, oldest_unshipped_at, now, now])
        (replay_id,) = cursor.fetchone()
    return replay_id if replay_id is None else UUID(str(replay_id))


@transaction.atomic
def retire_node(*, node: ShipperState, reason: str, actor: Actor) -> NodeRetirement:
    """Take a gateway node out of service for good: closing and health no longer wait for its calls.

    What it has not shipped and sends later all the same is counted, or late where its period was closed meanwhile.
    A node that reports again is in service again.

    Raises:
        RuleViolated: no reason.
        NodeStillReports: its shipper was heard within the last minute.
        NodeRetired: it is retired already.
    """
    if not reason.strip():
        raise RuleViolated(_("Say why the node is retired."), field="reason")
    state = ShipperState.objects.select_for_update().get(pk=node.pk)
    if state.retired_at is not None:
        raise NodeRetired
    if clock.now() - state.reported_at <= SHIPPER_SILENT_AFTER:
        raise NodeStillReports
    state.retired_at, waiting, state.replay_id = clock.now(), state.replay_id, None
    state.save(update_fields=["retired_at", "replay_id"])
    if waiting is not None:
        LogReplay.objects.filter(pk=waiting).update(
            status=ReplayStatus.FAILED, error=_("The node was retired."), finished_at=clock.now()
        )
    retirement = NodeRetirement.objects.create(
        node=state.node,
        reason=reason.strip()[:500],
        last_reported_at=state.reported_at,
        oldest_unshipped_at=state.oldest_unshipped_at,
    )
    record_audit(
        action="usage:node:retired",
        target=retirement,
        actor=actor,
        after={"node": state.node, "oldest_unshipped_at": state.oldest_unshipped_at},
        reason=retirement.reason,
    )
    return retirement
