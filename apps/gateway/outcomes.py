"""What a proof, or its absence, means for the thing that the entry stands for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from apps.apis.enums import ApiStatus
from apps.apis.models import Api
from apps.apis.services import mark_api_active
from apps.gateway.enums import EntryKind
from apps.gateway.models import RegistryEntry
from apps.gateway.registration import GATEWAY, fail_registration
from apps.keys.enums import KeyStatus
from apps.keys.models import ApiKey
from apps.keys.services import activate_key, mark_key_sync_failed

# A key in one of these states is told of a proof.
AWAITING_KEYS: Final = (KeyStatus.PENDING, KeyStatus.FAILED_SYNC)


def awaited_subjects(rows: Iterable[RegistryEntry]) -> set[UUID]:
    """Return the ids of the keys and APIs among the rows that wait for their proof: two queries."""
    ids: dict[str, list[UUID]] = {}
    for row in rows:
        ids.setdefault(row.kind, []).append(row.subject_id)
    apis = Api.objects.filter(pk__in=ids.get(EntryKind.ROUTE, []), status=ApiStatus.REGISTERING)
    keys = ApiKey.objects.filter(pk__in=ids.get(EntryKind.KEY, []), status__in=AWAITING_KEYS)
    return {*apis.values_list("pk", flat=True), *keys.values_list("pk", flat=True)}


def announce_proof(row: RegistryEntry) -> None:
    """Make a key or an API active that every authorizer now knows."""
    if row.payload is None:
        return
    if row.kind == EntryKind.KEY:
        activate_key(key_id=row.subject_id, actor=GATEWAY)
    elif row.kind == EntryKind.ROUTE:
        api = Api.objects.select_for_update(of=("self",), no_key=True).get(pk=row.subject_id)
        if api.status == ApiStatus.REGISTERING:
            mark_api_active(api=api, actor=GATEWAY)


def announce_failure(row: RegistryEntry) -> None:
    """Say that a new key or API could not be brought to the gateway in time; a failed API's route is given up."""
    if row.payload is None:
        return
    if row.kind == EntryKind.KEY:
        mark_key_sync_failed(key_id=row.subject_id, reason=row.last_error, actor=GATEWAY)
    elif row.kind == EntryKind.ROUTE:
        fail_registration(row.subject_id, reason=row.last_error, is_gateways_fault=True)
