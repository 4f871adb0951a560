"""Reads of the gateway's state."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Count, Min, Q, QuerySet

from apps.core import clock
from apps.core.db import forbid_transaction
from apps.gateway.enums import EntryKind, SyncState
from apps.gateway.models import AuthorizerNode, ReconciliationReport, RegistryEntry, RegistryHead

POLL_S: Final = 0.02


@dataclass(frozen=True, slots=True)
class GatewayStanding:
    """Whether everything that is wanted is proven, and how far each authorizer is behind."""

    epoch: str
    version: int
    leased_nodes: int
    waiting: int
    failed: int
    waiting_since: datetime | None

    @property
    def is_healthy(self) -> bool:
        """An authorizer serves, and nothing has failed to reach it."""
        return self.leased_nodes > 0 and self.failed == 0


def gateway_standing() -> GatewayStanding:
    """Return the state of the whole sync: three queries."""
    head = RegistryHead.objects.filter(pk=1).first()
    unproven = RegistryEntry.objects.exclude(state=SyncState.PROVEN).aggregate(
        waiting=Count("pk", filter=~Q(state=SyncState.FAILED)),
        failed=Count("pk", filter=Q(state=SyncState.FAILED)),
        since=Min("wanted_at"),
    )
    return GatewayStanding(
        epoch=head.epoch if head else "",
        version=head.version if head else 0,
        leased_nodes=AuthorizerNode.objects.filter(lease_expires_at__gt=clock.now()).count(),
        waiting=unproven["waiting"],
        failed=unproven["failed"],
        waiting_since=unproven["since"],
    )


def list_nodes() -> QuerySet[AuthorizerNode]:
    """Return the authorizers that ever reported, by name."""
    return AuthorizerNode.objects.order_by("name")


def list_reports() -> QuerySet[ReconciliationReport]:
    """Return reconciliations, newest first."""
    return ReconciliationReport.objects.order_by("-id")


def find_entry(kind: EntryKind, subject_id: UUID) -> RegistryEntry | None:
    """Return the entry that stands for a row of the domain, if one was ever wanted."""
    rows = RegistryEntry.objects.filter(kind=kind, subject_id=subject_id)
    return rows.order_by("-wanted_at").first()


def wait_until_proven(kind: EntryKind, subject_id: UUID, *, timeout_s: float) -> bool:
    """Wait until every leased authorizer has applied an entry's last change; False when time runs out.

    Raises:
        TransactionForbiddenError: called inside a transaction, which would hide the change from the relay.
    """
    forbid_transaction()
    ends_at = time.monotonic() + timeout_s
    entries = RegistryEntry.objects.filter(kind=kind, subject_id=subject_id)
    while True:
        if not entries.exclude(state=SyncState.PROVEN).exists():
            return True
        if time.monotonic() >= ends_at:
            return False
        time.sleep(POLL_S)
