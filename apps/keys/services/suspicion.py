"""Noticing that an organization makes or rotates more keys than people do: perhaps somebody else does it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction

from apps.accounts.models import Organization
from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.events import publish
from apps.keys.constants import CREATED_WINDOW, ROTATED_WINDOW
from apps.keys.enums import AlertKind
from apps.keys.events import KeyAlertRaised
from apps.keys.models import KeyAlert
from apps.keys.selectors import count_made_keys, count_rotations_by_hand

WINDOWS: Final[dict[AlertKind, timedelta]] = {
    AlertKind.CREATED: CREATED_WINDOW,
    AlertKind.ROTATED: ROTATED_WINDOW,
}


def look_for_suspicion(*, organization_id: UUID, kind: AlertKind, actor: Actor) -> KeyAlert | None:
    """Count what an organization did within the window, and raise an alert when it is more than the setting says.

    Real time, whatever a test clock says: it is about what people do. Successors do not count as keys made, and
    rotations by the job not as rotations. At most one alert per window. Publishes KeyAlertRaised.
    """
    since = clock.now() - WINDOWS[kind]
    if kind == AlertKind.CREATED:
        count, threshold = count_made_keys(organization_id, since), settings.KEY_ALERT_CREATED
    else:
        count = count_rotations_by_hand(organization_id, since)
        threshold = settings.KEY_ALERT_ROTATED
    if count <= threshold:
        return None
    return _raise_once(organization_id, kind, count=count, threshold=threshold, actor=actor)


@transaction.atomic
def resolve_alert(*, alert: KeyAlert, actor: Actor, reason: str = "") -> KeyAlert:
    """Note that an operator looked at an alert; doing it again changes nothing."""
    alert = KeyAlert.objects.lock(alert.pk)
    if alert.resolved_at is None:
        alert.resolved_at = clock.now()
        alert.save(update_fields=["resolved_at", "updated_at"])
        record_audit(action="keys:alert:resolved", target=alert, actor=actor, reason=reason)
    return alert


@transaction.atomic
def _raise_once(
    organization_id: UUID, kind: AlertKind, *, count: int, threshold: int, actor: Actor
) -> KeyAlert | None:
    Organization.objects.lock(organization_id)  # two at once see each other's alert
    recent = KeyAlert.objects.filter(
        organization_id=organization_id, kind=kind, created_at__gt=clock.now() - WINDOWS[kind]
    )
    if recent.exists():
        return None
    alert = KeyAlert.objects.create(
        organization_id=organization_id, kind=kind, count=count, threshold=threshold
    )
    record_audit(
        action="keys:alert:raised",
        target=alert,
        actor=actor,
        after={"kind": kind, "count": count, "threshold": threshold},
    )
    publish(KeyAlertRaised(alert_id=alert.pk, organization_id=organization_id))
    return alert
