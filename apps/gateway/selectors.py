"""Reads of the gateway's state."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

from django.db.models import Count, Min, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts.models import Organization
from apps.core import clock
from apps.core.db import forbid_transaction
from apps.core.exceptions import NotFound
from apps.core.ids import InvalidPublicIdError, parse_public_id
from apps.core.models import Entity
from apps.gateway.enums import EntryKind, ReportStatus, SyncState
from apps.gateway.models import (
    AuthorizerNode,
    ReconciliationReport,
    RegistryEntry,
    RegistryHead,
    TenantThrottle,
    ThrottleQuerySet,
)

E = TypeVar("E", bound=Entity)
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


@dataclass(frozen=True, slots=True)
class GatewayOverview:
    """Everything that an operator wants to know of the gateway, and first whether all is well."""

    standing: GatewayStanding
    nodes: Sequence[NodeStanding]
    entries: Mapping[str, int]
    last_report: ReconciliationReport | None

    @property
    def troubles(self) -> list[str]:
        """What is not well, in sentences; empty when all is."""
        found = []
        if not self.standing.leased_nodes:
            found.append(_("No authorizer is serving: every call is refused."))
        if self.standing.failed:
            found.append(
                ngettext(
                    "%(count)d entry has not reached every authorizer.",
                    "%(count)d entries have not reached every authorizer.",
                    self.standing.failed,
                )
                % {"count": self.standing.failed}
            )
        if self.last_report is not None and self.last_report.status == ReportStatus.FAILED:
            found.append(
                _("The last reconciliation failed: %(reason)s")
                % {"reason": self.last_report.reason}
            )
        return found

    @property
    def is_healthy(self) -> bool:
        """Whether nothing is wrong."""
        return not self.troubles

    @property
    def proxy(self) -> Mapping[str, Any] | None:
        """What the last reconciliation found of the proxy; None before the first."""
        return self.last_report.details.get("caddy") if self.last_report else None


@dataclass(frozen=True, slots=True)
class NodeStanding:
    """One authorizer: how far it is behind, whether it may serve, and what was last found of its tables."""

    node: AuthorizerNode
    lag: int
    is_leased: bool
    tables: str

    @property
    def digest(self) -> str:
        """Return the digest of its tables; empty from an older release."""
        return str(self.node.details.get("digest", ""))

    @property
    def entry_count(self) -> int:
        """Return how many entries it holds."""
        return sum(self.node.details.get("entries", {}).values())


def gateway_overview() -> GatewayOverview:
    """Return the state of the whole gateway: six queries."""
    standing, now = gateway_standing(), clock.now()
    last = list_reports().first()
    findings = {
        row["node"]: row["state"] for row in (last.details if last else {}).get("nodes", [])
    }
    by_state = RegistryEntry.objects.values_list("state").annotate(count=Count("pk"))
    return GatewayOverview(
        standing=standing,
        nodes=[
            NodeStanding(
                node=node,
                lag=max(0, standing.version - node.version),
                is_leased=node.lease_expires_at > now,
                tables=findings.get(node.name, "unknown"),
            )
            for node in list_nodes()
        ],
        entries={**dict.fromkeys(SyncState.values, 0), **dict(by_state)},
        last_report=last,
    )


def list_troubled_entries() -> QuerySet[RegistryEntry]:
    """Return the entries that failed or are tried again, the longest waiting first."""
    rows = RegistryEntry.objects.exclude(state=SyncState.PROVEN)
    return rows.filter(Q(state=SyncState.FAILED) | Q(attempts__gt=0)).order_by("wanted_at")


def get_entry(public_id: str) -> RegistryEntry:
    """Return one entry.

    Raises:
        NotFound: unknown or malformed.
    """
    return _get(RegistryEntry.objects.all(), public_id)


def get_report(public_id: str) -> ReconciliationReport:
    """Return one report.

    Raises:
        NotFound: unknown or malformed.
    """
    return _get(ReconciliationReport.objects.all(), public_id)


def _get(rows: QuerySet[E], public_id: str) -> E:
    try:
        row = rows.filter(pk=parse_public_id(rows.model.id_prefix, public_id)).first()
    except InvalidPublicIdError:
        raise NotFound from None
    if row is None:
        raise NotFound
    return row


def list_nodes() -> QuerySet[AuthorizerNode]:
    """Return the authorizers that ever reported, by name."""
    return AuthorizerNode.objects.order_by("name")


def list_reports() -> QuerySet[ReconciliationReport]:
    """Return reconciliations, newest first."""
    return ReconciliationReport.objects.order_by("-id")


def list_throttles(*, organization: str = "") -> ThrottleQuerySet:
    """Return throttles, newest first; of one organization by its public id.

    Raises:
        NotFound: the id is unknown or malformed.
    """
    rows = TenantThrottle.objects.select_related("organization", "created_by").order_by("-id")
    return rows.filter(organization=get_tenant(organization)) if organization else rows


def get_throttle(public_id: str) -> TenantThrottle:
    """Return one throttle.

    Raises:
        NotFound: unknown or malformed.
    """
    return _get(list_throttles(), public_id)


def get_tenant(public_id: str) -> Organization:
    """Return an organization for the operator.

    Raises:
        NotFound: unknown or malformed.
    """
    return _get(Organization.objects.all(), public_id)


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
