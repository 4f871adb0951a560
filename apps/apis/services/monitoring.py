"""Scheduled probes of upstreams, and the circuit breaker that follows from them.

closed ── 3 failures in a row ──▶ open ── a probe succeeds ──▶ on trial ── another succeeds ──▶ closed;
on trial ── a probe fails ──▶ open. While a circuit is open the gateway answers 503 without dialling the
upstream; on trial, calls pass. Probes go on in every state, so recovery needs nobody.

Source: docs/domain/upstream-health.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext as _

from apps.apis.enums import CALLABLE_STATUSES, CircuitState
from apps.apis.events import UpstreamCircuitChanged
from apps.apis.models import Api, HealthCheck, HealthIncident, UpstreamHealth
from apps.apis.services.health import Finding, probe, store_finding
from apps.apis.services.moves import tell
from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.exceptions import InvalidInput

FAILURES_TO_OPEN: Final = 3
SUCCESSES_TO_CLOSE: Final = 2
# Trouble is looked at more closely than health.
TROUBLED_INTERVAL: Final = timedelta(seconds=10)
MIN_INTERVAL_S: Final = 15
MAX_INTERVAL_S: Final = 3600
LOWEST_STATUS: Final = 100
HIGHEST_STATUS: Final = 599
BATCH_SIZE: Final = 200
PARALLEL_PROBES: Final = 16
_ADD_MISSING: Final = """
    INSERT INTO apis_upstreamhealth (api_id, circuit, consecutive_failures, consecutive_successes,
        circuit_changed_at, last_error, next_probe_at)
    SELECT a.id, 'closed', 0, 0, %(now)s, '', %(now)s FROM apis_api a
    LEFT JOIN apis_upstreamhealth h ON h.api_id = a.id
    WHERE a.status = ANY(%(statuses)s) AND h.api_id IS NULL
    ON CONFLICT (api_id) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class ProbeRound:
    """What one round of probes found."""

    probed: int
    failed: int
    changed_circuits: int


def probe_due_upstreams(*, limit: int = BATCH_SIZE) -> ProbeRound:
    """Probe the upstreams of live APIs whose time has come, at most `limit`, several at once.

    Rounds may overlap: an upstream that is claimed is not due again before its interval has passed.

    Raises:
        TransactionForbiddenError: called inside a transaction.

    Publishes: UpstreamCircuitChanged, where the gateway must begin or stop to dial.
    """
    apis = _claim_due(limit)
    with ThreadPoolExecutor(max_workers=PARALLEL_PROBES) as pool:
        findings = list(pool.map(probe, apis))
    changed = sum(
        record_probe(api=api, finding=finding)[1]
        for api, finding in zip(apis, findings, strict=True)
    )
    failed = sum(not finding.is_healthy for finding in findings)
    return ProbeRound(probed=len(apis), failed=failed, changed_circuits=changed)


def check_upstream(*, api: Api) -> HealthCheck:
    """Probe an upstream now, whenever the next probe is due; for a live API its circuit follows.

    Talks to the network, so it must not be called inside a transaction. Name resolution, connection, TLS and the
    status are told apart in the check's `error`; latency is in milliseconds.

    Raises:
        TransactionForbiddenError: called inside a transaction.

    Publishes: UpstreamCircuitChanged, where the gateway must begin or stop to dial.
    """
    finding = probe(api)
    if api.is_callable:
        return record_probe(api=api, finding=finding)[0]
    return store_finding(api, finding)


@transaction.atomic
def record_probe(*, api: Api, finding: Finding) -> tuple[HealthCheck, bool]:
    """Store what a probe found, and move the circuit if that follows.

    Returns:
        The stored check, and whether the gateway must begin or stop to dial.

    Publishes: UpstreamCircuitChanged in that case.
    """
    check = store_finding(api, finding)
    health, _is_new = UpstreamHealth.objects.get_or_create(api=api)
    health = UpstreamHealth.objects.select_for_update().get(pk=health.pk)
    if check.is_healthy:
        health.consecutive_successes += 1
        health.consecutive_failures = 0
    else:
        health.consecutive_failures += 1
        health.consecutive_successes = 0
    health.last_checked_at, health.last_error = check.checked_at, check.error
    before, after = CircuitState(health.circuit), _next_circuit(health)
    if after != before:
        health.circuit, health.circuit_changed_at = after, check.checked_at
    health.next_probe_at = check.checked_at + _interval(api, health)
    health.save()
    return check, _follow_circuit(api, health, before)


def _next_circuit(health: UpstreamHealth) -> CircuitState:
    match CircuitState(health.circuit):
        case CircuitState.CLOSED if health.consecutive_failures >= FAILURES_TO_OPEN:
            return CircuitState.OPEN
        case CircuitState.HALF_OPEN if health.consecutive_failures:
            return CircuitState.OPEN
        case CircuitState.HALF_OPEN if health.consecutive_successes >= SUCCESSES_TO_CLOSE:
            return CircuitState.CLOSED
        case CircuitState.OPEN if health.consecutive_successes:
            return CircuitState.HALF_OPEN
        case unchanged:
            return unchanged


def _interval(api: Api, health: UpstreamHealth) -> timedelta:
    usual = timedelta(seconds=api.health_interval_s)
    is_calm = health.circuit == CircuitState.CLOSED and not health.consecutive_failures
    return usual if is_calm else min(usual, TROUBLED_INTERVAL)


def _follow_circuit(api: Api, health: UpstreamHealth, before: CircuitState) -> bool:
    """Note the incident, and tell the gateway where dialling begins or ends."""
    if health.circuit == before:
        return False
    record_audit(
        action=f"apis:circuit:{health.circuit}",
        target=api,
        actor=Actor.system("upstream probes"),
        before={"circuit": before},
        after={"circuit": health.circuit},
        reason=health.last_error,
    )
    open_incident = api.health_incidents.filter(ended_at=None).first()
    if health.circuit == CircuitState.OPEN and open_incident is None:
        open_incident = HealthIncident.objects.create(
            api=api, started_at=health.circuit_changed_at, reason=health.last_error
        )
    if health.circuit == CircuitState.CLOSED and open_incident is not None:
        open_incident.ended_at = health.circuit_changed_at
        open_incident.save(update_fields=["ended_at", "updated_at"])
    dialled_before, is_dialled = before != CircuitState.OPEN, health.circuit != CircuitState.OPEN
    if dialled_before == is_dialled:
        return False
    tell(
        UpstreamCircuitChanged,
        api,
        incident_id=open_incident.pk if open_incident else None,
        is_open=not is_dialled,
        reason=health.last_error,
    )
    return True


@transaction.atomic
def forget_circuit(*, api_id: UUID) -> None:
    """Begin anew after the upstream's address changed: what the old one did says nothing about the new one."""
    health = UpstreamHealth.objects.select_for_update().filter(pk=api_id).first()
    if health is None:
        return
    health.circuit, health.circuit_changed_at = CircuitState.CLOSED, clock.now()
    health.consecutive_failures = health.consecutive_successes = 0
    health.next_probe_at = clock.now()
    health.save()
    HealthIncident.objects.filter(api_id=api_id, ended_at=None).update(ended_at=clock.now())


@transaction.atomic
def set_health_policy(
    *, api: Api, path: str, expected_status: int, interval_s: int, actor: Actor
) -> Api:
    """Say what is probed, what it must answer, and how often (in seconds); the next probe is due at once.

    Raises:
        InvalidInput: a number is out of bounds; names its field.
    """
    _require_between("health_interval_s", interval_s, MIN_INTERVAL_S, MAX_INTERVAL_S)
    _require_between("health_expected_status", expected_status, LOWEST_STATUS, HIGHEST_STATUS)
    names = ("health_path", "health_expected_status", "health_interval_s")
    locked = Api.objects.lock(api.pk)
    before = {name: getattr(locked, name) for name in names}
    api.health_path = "/" + path.strip().lstrip("/")
    api.health_expected_status, api.health_interval_s = expected_status, interval_s
    api.clean_fields(exclude=[f.name for f in Api._meta.fields if f.name not in names])
    api.save(update_fields=[*names, "updated_at"])
    UpstreamHealth.objects.filter(api=api).update(next_probe_at=clock.now())
    record_audit(
        action="apis:health_policy:set",
        target=api,
        actor=actor,
        before=before,
        after={name: getattr(api, name) for name in names},
    )
    return api


def _require_between(field: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        detail = _("Choose a number from %(least)s to %(most)s.") % {"least": least, "most": most}
        raise InvalidInput(detail, field=field)


def _claim_due(limit: int) -> Sequence[Api]:
    now = clock.now()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_ADD_MISSING, {"now": now, "statuses": list(CALLABLE_STATUSES)})
        due = UpstreamHealth.objects.select_for_update(skip_locked=True, of=("self",)).filter(
            next_probe_at__lte=now, api__status__in=CALLABLE_STATUSES
        )
        claimed = list(due.order_by("next_probe_at").values_list("pk", flat=True)[:limit])
        UpstreamHealth.objects.filter(pk__in=claimed).update(next_probe_at=now + TROUBLED_INTERVAL)
    return list(Api.objects.filter(pk__in=claimed).prefetch_related("upstream_secrets"))
