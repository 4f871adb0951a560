"""When a key was last used: told by metering, kept to the minute."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Q

from apps.keys.models import ApiKey

STEP: Final = timedelta(minutes=1)


def note_key_uses(*, last_uses: Mapping[UUID, datetime]) -> int:
    """Move `last_used_at` of keys forward, never back; return how many rows changed.

    A key in use is written at most once a minute, so that its row never becomes hot. Nothing hangs on these rows, so
    they are written outside the transaction that counts the calls.
    """
    # Most keys were written a moment ago, so one look spares nearly all of the updates.
    noted = dict(ApiKey.objects.filter(pk__in=last_uses).values_list("pk", "last_used_at"))
    changed = 0
    for key_id, used_at in sorted(last_uses.items()):
        noted_at = noted.get(key_id)
        if key_id not in noted or (noted_at is not None and noted_at >= used_at - STEP):
            continue
        is_older = Q(last_used_at__isnull=True) | Q(last_used_at__lt=used_at - STEP)
        changed += ApiKey.objects.filter(is_older, pk=key_id).update(last_used_at=used_at)
    return changed
