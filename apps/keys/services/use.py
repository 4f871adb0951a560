"""When a key was last used: told by metering, kept to the minute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any, Final
from uuid import UUID

from django.db.models import Q

from apps.keys.models import ApiKey

STEP: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class KeyUse:
    """When a key was used, and the address that it was used from, where that is known."""

    at: datetime
    address: str | None = None


def note_key_uses(*, last_uses: Mapping[UUID, KeyUse]) -> int:
    """Move the last use of keys forward, never back; return how many rows changed. Only the last address is kept.

    A key in use is written at most once a minute, so that its row never becomes hot. Nothing hangs on these rows, so
    they are written outside the transaction that counts the calls.
    """
    # Most keys were written a moment ago, so one look spares nearly all of the updates.
    noted = dict(ApiKey.objects.filter(pk__in=last_uses).values_list("pk", "last_used_at"))
    changed = 0
    for key_id in sorted(last_uses):
        used_at, address = last_uses[key_id].at, last_uses[key_id].address
        noted_at = noted.get(key_id)
        if key_id not in noted or (noted_at is not None and noted_at >= used_at - STEP):
            continue
        is_older = Q(last_used_at__isnull=True) | Q(last_used_at__lt=used_at - STEP)
        use: dict[str, Any] = {"last_used_at": used_at}
        if address is not None and _is_address(address):
            use["last_used_ip"] = address
        changed += ApiKey.objects.filter(is_older, pk=key_id).update(**use)
    return changed


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return "%" not in text
