"""What a proof, or its absence, means for the thing that the entry stands for."""

from __future__ import annotations

from typing import Final

from apps.apis.enums import ApiStatus
from apps.apis.models import Api
from apps.apis.services import mark_api_active, mark_api_failed
from apps.core.actors import Actor
from apps.gateway.enums import EntryKind
from apps.gateway.models import RegistryEntry
from apps.keys.services import activate_key, mark_key_sync_failed

GATEWAY: Final = Actor.system("gateway")


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
    """Say that a new key or API could not be brought to the gateway in time."""
    if row.payload is None:
        return
    if row.kind == EntryKind.KEY:
        mark_key_sync_failed(key_id=row.subject_id, reason=row.last_error, actor=GATEWAY)
    elif row.kind == EntryKind.ROUTE:
        api = Api.objects.select_for_update(of=("self",), no_key=True).get(pk=row.subject_id)
        if api.status == ApiStatus.REGISTERING:
            mark_api_failed(api=api, reason=row.last_error, actor=GATEWAY)
