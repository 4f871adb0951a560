"""One run: compare entries, authorizers and proxy; heal; report; alert."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

import structlog
from django.db import connection, transaction
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.gateway import services
from apps.gateway.counters import ensure_counters
from apps.gateway.entries import Change
from apps.gateway.enums import ReportStatus
from apps.gateway.exceptions import ReconciliationRunning
from apps.gateway.models import ReconciliationReport, RegistryHead
from apps.gateway.reconciliation.comparing import Drift, Picture, find_drift, take_picture
from apps.gateway.reconciliation.healing import heal_entries
from apps.gateway.reconciliation.proxy import ProxyFinding, heal_proxy
from apps.gateway.reconciliation.tables import TableFinding, TableState, judge_tables
from apps.gateway.reconciliation.verdict import reasons_of, status_of, tell_operators
from apps.gateway.registration import retry_given_up
from apps.gateway.services.wanting import wake_relay
from apps.gateway.store.counters import CounterStore
from apps.gateway.store.registry import RegistryError, RegistryWriter

logger = structlog.get_logger(__name__)

EXAMPLES: Final = 20
LOCK_ID: Final = 7_041_004


def reconcile(
    *, writer: RegistryWriter, counters: CounterStore, actor: Actor
) -> ReconciliationReport:
    """Compare and heal; return the report, also when something is away (its status is then `failed`).

    First every entry is computed again from the domain's rows, then Valkey is compared with that, then what each
    authorizer reports of its tables, then the proxy's configuration. Entries on their way are not judged. Missing
    and different ones are wanted again, orphaned ones are wanted gone; the relay writes and proves them. An
    authorizer whose tables differ is asked to load anew. Counters that are missing are created.

    Raises:
        ReconciliationRunning: another process is at it.
    """
    started_at = clock.now()
    with _alone():
        wrong_in_postgres = services.want_every_entry()
        proxy = heal_proxy()
        try:
            run = _Run(writer, counters, proxy, wrong_in_postgres)
            outcome = run.compare_and_heal()
        except (RedisError, RegistryError) as error:
            logger.warning("gateway.reconciliation_failed", error=str(error))
            reason = _("Valkey did not answer: %(error)s. Nothing was compared.") % {"error": error}
            outcome = {
                "status": ReportStatus.FAILED,
                "reason": reason,
                "details": {"caddy": proxy.as_json(), "computed_again": wrong_in_postgres},
            }
        return _write_report(started_at, actor, outcome)


class _Run:
    """The part of a run that needs Valkey."""

    def __init__(
        self,
        writer: RegistryWriter,
        counters: CounterStore,
        proxy: ProxyFinding,
        wrong_in_postgres: int,
    ) -> None:
        self._writer = writer
        self._counters = counters
        self._proxy = proxy
        self._wrong_in_postgres = wrong_in_postgres

    def compare_and_heal(self) -> dict[str, Any]:
        """Return the report's columns."""
        picture = take_picture(self._writer)
        drift = find_drift(picture)
        tables = judge_tables(self._writer.nodes(), picture.expected(), picture.head)
        counters = ensure_counters(_changes_of(picture), self._counters)
        reasons = reasons_of(drift, tables, self._proxy)
        is_served = any(finding.state != TableState.SILENT for finding in tables)
        retried = retry_given_up(reason="gateway reconciliation") if is_served else 0
        different = [finding.node for finding in tables if finding.state == TableState.DIFFERENT]
        self._heal(picture, drift, different)
        found = drift.count + self._wrong_in_postgres + len(different) + len(self._proxy.paths)
        return {
            "status": status_of(reasons, found),
            "reason": " ".join(reasons),
            "checked_count": drift.checked,
            "missing_count": len(drift.missing),
            "orphaned_count": len(drift.orphaned) + len(drift.strangers),
            "different_count": len(drift.different) + self._wrong_in_postgres,
            "different_nodes_count": len(different),
            "proxy_paths_count": len(self._proxy.paths),
            "healed_count": drift.count + self._wrong_in_postgres,
            "details": self._details(drift, tables, counters, retried),
        }

    def _heal(self, picture: Picture, drift: Drift, different: list[str]) -> None:
        """Set right what was found; what the relay does anyway is left to it.

        A registry that is gone is written anew as a whole, by the relay alone.
        """
        self._writer.remove_strangers(drift.strangers)
        for node in different:
            self._writer.ask_reload(node)
        ours = RegistryHead.objects.filter(pk=1).first()
        theirs = picture.head or self._writer.head()
        with transaction.atomic():
            if theirs is None or ours is None or theirs.epoch != ours.epoch:
                wake_relay()
            else:
                heal_entries(drift)

    def _details(
        self, drift: Drift, tables: list[TableFinding], counters: int, retried: int
    ) -> dict[str, Any]:
        return {
            "computed_again": self._wrong_in_postgres,
            "counters": counters,
            "registrations_retried": retried,
            "missing": drift.missing[:EXAMPLES],
            "orphaned": (drift.orphaned + drift.strangers)[:EXAMPLES],
            "different": drift.different[:EXAMPLES],
            "nodes": [finding.as_json() for finding in tables],
            "caddy": self._proxy.as_json(),
        }


@transaction.atomic
def _write_report(
    started_at: datetime, actor: Actor, outcome: dict[str, Any]
) -> ReconciliationReport:
    report = ReconciliationReport.objects.create(
        started_at=started_at,
        finished_at=clock.now(),
        started_by=actor.label[:200],
        **outcome,
    )
    after = {"status": report.status, "reason": report.reason, **report.details}
    record_audit(action="gateway:registry:reconciled", target=report, actor=actor, after=after)
    tell_operators(report)
    return report


def _changes_of(picture: Picture) -> Iterator[Change]:
    for name, row in picture.rows.items():
        yield Change(row.kind, row.key, picture.wanted[name])


@contextmanager
def _alone() -> Iterator[None]:
    """Keep other runs away; the lock ends with the database session at the latest."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK_ID])
        row = cursor.fetchone()
    if not row or not row[0]:
        raise ReconciliationRunning
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK_ID])
