"""What waits for the end of subscriptions' periods."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from apps.subscriptions.enums import MoveStepStatus, PlannedChangeStatus
from apps.subscriptions.models import MoveStep, PlannedChange


def waiting_at_boundary(ends: Mapping[UUID, datetime]) -> list[UUID]:
    """Return which subscriptions have a move to a newer version, or a change due by the given end of their period. Two queries.

    A move names the day on which it takes effect, by the time zone of its subscription: whether it is due is not told here.
    """
    moving = MoveStep.objects.filter(subscription_id__in=ends, status=MoveStepStatus.WAITING)
    planned = PlannedChange.objects.filter(
        subscription_id__in=ends, status=PlannedChangeStatus.WAITING
    )
    found = set(moving.values_list("subscription_id", flat=True))
    found |= {
        key
        for key, due_at in planned.values_list("subscription_id", "due_at")
        if due_at <= ends[key]
    }
    return sorted(found)
