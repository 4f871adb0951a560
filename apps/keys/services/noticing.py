"""Telling owners in time what will happen to their keys: each notice once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet

from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.events import publish
from apps.core.querysets import only_of
from apps.keys.constants import EXPIRY_NOTICE_DAYS, ROTATION_NOTICE_DAYS
from apps.keys.enums import KeyStatus, NoticeKind
from apps.keys.events import KeyExpiring, KeyRotationDue
from apps.keys.models import ApiKey, KeyNotice
from apps.keys.rotation_terms import effective_days
from apps.keys.services.changing import EXPIRABLE, facts_of
from apps.keys.services.expiring import may_renew
from apps.subscriptions.enums import CALLABLE_STATUSES

OFFSET: Final = F("organization__clock_offset")


@dataclass(frozen=True, slots=True)
class _Due:
    """What will happen to a key, when, and how long before it the key's life began."""

    kind: NoticeKind
    at: datetime
    length: timedelta
    days: tuple[int, ...]


def send_due_notices(*, actor: Actor, organization_id: UUID | None = None) -> int:
    """Tell owners of keys that end or are replaced within days, by their account's clock; return how many notices.

    Of several that apply at once, as after a jump of a test clock, only the most urgent is given; those that it has
    overtaken never are. A key that will be renewed does not end. Publishes KeyExpiring and KeyRotationDue.
    """
    now = clock.now()
    ending = ApiKey.objects.filter(
        status__in=EXPIRABLE,
        expires_at__gt=now + OFFSET,
        expires_at__lte=now + timedelta(days=max(EXPIRY_NOTICE_DAYS)) + OFFSET,
    )
    rotating = ApiKey.objects.filter(
        status=KeyStatus.ACTIVE,
        rotates_at__gt=now + OFFSET,
        rotates_at__lte=now + timedelta(days=max(ROTATION_NOTICE_DAYS)) + OFFSET,
        subscription__status__in=CALLABLE_STATUSES,
    )
    ending, rotating = only_of(ending, organization_id), only_of(rotating, organization_id)
    count = sum(
        _tell(key, _expiry_of(key), actor=actor) for key in _each(ending) if not may_renew(key)
    )
    return count + sum(_tell(key, _rotation_of(key), actor=actor) for key in _each(rotating))


def _each(keys: QuerySet[ApiKey]) -> Iterable[ApiKey]:
    rows = keys.select_related("organization", "subscription__plan").prefetch_related("notices")
    return rows.order_by("pk").iterator(chunk_size=500)


def _expiry_of(key: ApiKey) -> _Due:
    assert key.expires_at is not None  # noqa: S101 -- chosen by the query
    length = key.term or timedelta.max
    return _Due(NoticeKind.EXPIRY, key.expires_at, length, EXPIRY_NOTICE_DAYS)


def _rotation_of(key: ApiKey) -> _Due:
    assert key.rotates_at is not None  # noqa: S101 -- as above
    days = effective_days(key.subscription.plan, key.rotation_days)
    length = timedelta.max if days is None else timedelta(days=days)
    return _Due(NoticeKind.ROTATION, key.rotates_at, length, ROTATION_NOTICE_DAYS)


def _tell(key: ApiKey, due: _Due, *, actor: Actor) -> bool:
    left = due.at - clock.business_now(key.organization)
    # A key that was made for two days needs no notice that its end is less than three days away.
    near = [days for days in due.days if left <= timedelta(days=days) < due.length]
    if not near:
        return False
    urgent = min(near)
    told = {
        row.days_before
        for row in key.notices.all()
        if row.kind == due.kind and row.due_at == due.at
    }
    # One that was told too late for its own day would come after a more urgent one only if a clock ran backwards.
    return not told & {days for days in due.days if days <= urgent} and _tell_once(
        key, due, urgent, actor=actor
    )


@transaction.atomic
def _tell_once(key: ApiKey, due: _Due, days: int, *, actor: Actor) -> bool:
    """Write the notice and publish it; nothing when another worker was faster."""
    _row, is_new = KeyNotice.objects.get_or_create(
        key=key, kind=due.kind, due_at=due.at, days_before=days
    )
    if not is_new:
        return False
    is_expiry = due.kind == NoticeKind.EXPIRY
    record_audit(
        action=f"keys:key:{'expiry' if is_expiry else 'rotation'}_announced",
        target=key,
        actor=actor,
        after={"at": due.at, "days_before": days},
    )
    if is_expiry:
        publish(KeyExpiring(**facts_of(key), expires_at=due.at, days_before=days))
    else:
        publish(KeyRotationDue(**facts_of(key), rotates_at=due.at, days_before=days))
    return True
