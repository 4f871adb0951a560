"""Replays of logs, reports of drift, and which calls are stored."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar
from uuid import UUID

from django.db.models import QuerySet

from apps.core.exceptions import NotFound
from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.core.models import Entity
from apps.usage.enums import DriftStatus
from apps.usage.models import DriftReport, LogReplay, UsageEventKey

E = TypeVar("E", bound=Entity)


def missing_events(event_ids: Iterable[UUID]) -> list[UUID]:
    """Return those of these ids that no call has been stored under, in their order. One query."""
    asked = list(event_ids)
    stored = UsageEventKey.objects.filter(event_id__in=asked)
    known = set(stored.values_list("event_id", flat=True))
    return [event_id for event_id in asked if event_id not in known]


def find_replay(replay_id: UUID) -> LogReplay:
    """Return a replay by its primary key."""
    return LogReplay.objects.get(pk=replay_id)


def list_replays() -> QuerySet[LogReplay]:
    """Return replays, newest first."""
    return LogReplay.objects.order_by("-id")


def get_replay(public_id: str) -> LogReplay:
    """Return one replay.

    Raises:
        NotFound: unknown or malformed.
    """
    return _get(list_replays(), public_id)


def list_drift_reports(*, only_with_findings: bool = False) -> QuerySet[DriftReport]:
    """Return comparisons, newest first; those that found nothing may be left out."""
    rows = DriftReport.objects.order_by("-id")
    return rows.exclude(status=DriftStatus.EQUAL) if only_with_findings else rows


def get_drift_report(public_id: str) -> DriftReport:
    """Return one comparison.

    Raises:
        NotFound: unknown or malformed.
    """
    return _get(list_drift_reports(), public_id)


def _get(rows: QuerySet[E], public_id: str) -> E:
    try:
        row = rows.filter(pk=parse_public_id(rows.model.id_prefix, public_id)).first()
    except InvalidPublicIdError:
        raise NotFound from None
    if row is None:
        raise NotFound
    return row
