"""Whether a run found nothing, healed what it found, or could not; and who hears of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts.enums import StaffRole
from apps.core import clock
from apps.gateway import notices
from apps.gateway.enums import ReportStatus
from apps.gateway.models import ReconciliationReport
from apps.gateway.reconciliation.comparing import Drift
from apps.gateway.reconciliation.proxy import ProxyFinding, ProxyState
from apps.gateway.reconciliation.tables import TableFinding, TableState
from apps.notifications.services import Message, notify_staff

REPORT_ROUTE: Final = "admin:gateway_report"
# What the last run set right needs this long to arrive; until then it is not called wrong again.
HEALING_TAKES: Final = timedelta(seconds=10)
NAMED: Final = 3


def reasons_of(drift: Drift, tables: Sequence[TableFinding], proxy: ProxyFinding) -> list[str]:
    """Return in sentences what this run could not heal; empty when it healed everything that it found."""
    reasons = []
    again = _wrong_again(drift)
    if again:
        reasons.append(
            _("Wrong again after the last run had written them anew: %(names)s.")
            % {"names": ", ".join(again[:NAMED])}
        )
    stubborn = _different_again(tables)
    if stubborn:
        reasons.append(
            _("Still different after the last run had them load the registry anew: %(names)s.")
            % {"names": ", ".join(stubborn[:NAMED])}
        )
    is_served = any(finding.state != TableState.SILENT for finding in tables)
    if drift.count and not is_served:
        reasons.append(_("No authorizer is serving, so nothing that was written can be proven."))
    if proxy.state == ProxyState.FAILED:
        reasons.append(_("The proxy's configuration: %(reason)s.") % {"reason": proxy.reason})
    return reasons


def status_of(reasons: Sequence[str], drift_count: int) -> ReportStatus:
    """Return how a run ended."""
    if reasons:
        return ReportStatus.FAILED
    return ReportStatus.HEALED if drift_count else ReportStatus.HEALTHY


def tell_operators(report: ReconciliationReport) -> None:
    """Tell the operators of the first failure in a row; they hear again after a run that did not fail."""
    if report.status != ReportStatus.FAILED:
        return
    others = ReconciliationReport.objects.exclude(status=ReportStatus.FAILED)
    last_good = others.order_by("-started_at").first()
    message = Message(
        kind=notices.RECONCILIATION_FAILED.name,
        dedupe_key=f"gateway:failing-since:{last_good.pk if last_good else 'ever'}",
        url=reverse(REPORT_ROUTE, args=[report.public_id]),
        context={"reason": report.reason},
    )
    notify_staff(organization=None, role=StaffRole.OPERATOR, message=message)


def _wrong_again(drift: Drift) -> list[str]:
    last = _last_that_has_taken_effect()
    if last is None:
        return []
    kinds = ("missing", "different", "orphaned")
    before = {name for kind in kinds for name in last.details.get(kind, [])}
    return [name for name in (*drift.fields, *drift.strangers) if name in before]


def _different_again(tables: Sequence[TableFinding]) -> list[str]:
    last = _last_that_has_taken_effect()
    if last is None:
        return []
    before = {
        row["node"] for row in last.details.get("nodes", []) if row["state"] == TableState.DIFFERENT
    }
    return [row.node for row in tables if row.state == TableState.DIFFERENT and row.node in before]


def _last_that_has_taken_effect() -> ReconciliationReport | None:
    last = ReconciliationReport.objects.order_by("-started_at").first()
    if last is None or last.finished_at is None:
        return None
    return last if last.finished_at < clock.now() - HEALING_TAKES else None
