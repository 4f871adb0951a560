"""Opening, extending and ending incidents, and choosing what is told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.enums import PlatformFeature
from apps.accounts.models import Organization
from apps.accounts.platform_plans.gates import require_feature
from apps.apis.models import Api
from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.exceptions import RuleViolated
from apps.usage.anomaly_rules import Finding
from apps.usage.anomaly_telling import tell_anomaly
from apps.usage.enums import AnomalyKind, Sensitivity
from apps.usage.models import AnomalySetting, UsageAnomaly

# Two hours in a row as expected end an incident, so that one quiet hour does not make two of it.
OVER_AFTER: Final = timedelta(hours=2)


@transaction.atomic
def open_or_extend(
    *,
    organization_id: UUID,
    api_id: UUID,
    subscription_id: UUID | None,
    hour: datetime,
    finding: Finding,
    known: Mapping[str, UsageAnomaly],
) -> bool:
    """Open an incident and tell it, or extend the one that is open; return whether it is new. Runs again harmlessly."""
    row = known.get(finding.kind)
    if row is not None:
        _extend(row, hour, finding)
        return False
    same: dict[str, Any] = {
        "organization_id": organization_id,
        "api_id": api_id,
        "subscription_id": subscription_id,
        "kind": finding.kind,
    }
    made, is_new = UsageAnomaly.objects.get_or_create(
        **same,
        resolved_at=None,
        defaults={
            "started_at": hour,
            "last_hour": hour,
            "observed": finding.observed,
            "expected": finding.band.expected,
            "low": finding.band.low,
            "high": finding.band.high,
        },
    )
    if is_new:
        tell_anomaly(made)
    return is_new


def _extend(row: UsageAnomaly, hour: datetime, finding: Finding) -> None:
    if hour < row.last_hour:
        return
    row.last_hour = hour
    is_worse = (
        finding.observed < row.observed
        if finding.kind == AnomalyKind.DROP
        else finding.observed > row.observed
    )
    if is_worse:
        row.observed, row.expected = finding.observed, finding.band.expected
        row.low, row.high = finding.band.low, finding.band.high
    row.save()


@transaction.atomic
def close_if_over(*, anomaly: UsageAnomaly, hour: datetime) -> bool:
    """End an incident after two whole hours as expected, and tell it; return whether it ended."""
    row = UsageAnomaly.objects.select_for_update().get(pk=anomaly.pk)
    if row.resolved_at is not None or hour - row.last_hour < OVER_AFTER:
        return False
    row.resolved_at = clock.now()
    row.save(update_fields=["resolved_at", "updated_at"])
    tell_anomaly(row)
    return True


@transaction.atomic
def set_anomaly_sensitivity(
    *, organization: Organization, api: Api | None, sensitivity: str, actor: Actor
) -> AnomalySetting:
    """Choose how much difference is told, for all APIs or for one; `off` tells nothing.

    Raises:
        RuleViolated: there is no such sensitivity.
        PlanRequired: the organization's plan does not include these alerts.
    """
    require_feature(organization.pk, PlatformFeature.ANOMALY_ALERTS, field="sensitivity")
    if sensitivity not in Sensitivity.values:
        raise RuleViolated(_("There is no such sensitivity."), field="sensitivity")
    row = AnomalySetting.objects.filter(organization=organization, api=api).first()
    before = row.sensitivity if row else None
    row = row or AnomalySetting(organization=organization, api=api)
    row.sensitivity = sensitivity
    row.save()
    record_audit(
        action="usage:anomaly_setting:changed",
        target=row,
        actor=actor,
        before={"sensitivity": before, "api_id": api.pk if api else None},
        after={"sensitivity": sensitivity, "api_id": api.pk if api else None},
    )
    return row
