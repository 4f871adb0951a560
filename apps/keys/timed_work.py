"""What time brings about in an account's keys: they are renewed, replaced, end, and their owners are told before."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.accounts.timed_work import (
    DueService,
    NextDue,
    TimedWork,
    Turn,
    before,
    earliest,
    happens,
    notice_due,
)
from apps.keys import services
from apps.keys.constants import EXPIRY_NOTICE_DAYS, RENEWAL_LEAD, ROTATION_NOTICE_DAYS
from apps.keys.enums import KeyStatus
from apps.keys.models import ApiKey, KeyRotation, UnreadKey
from apps.keys.services.changing import EXPIRABLE
from apps.subscriptions.enums import CALLABLE_STATUSES


def _ending(organization: Organization) -> QuerySet[ApiKey]:
    return ApiKey.objects.filter(organization=organization, status__in=EXPIRABLE)


def _rotating(organization: Organization) -> QuerySet[ApiKey]:
    return ApiKey.objects.filter(
        organization=organization,
        status=KeyStatus.ACTIVE,
        subscription__status__in=CALLABLE_STATUSES,
    )


def _next_expiry(organization: Organization, after: datetime | None) -> datetime | None:
    return earliest(_ending(organization), "expires_at", after)


def _next_renewal(organization: Organization, after: datetime | None) -> datetime | None:
    rows = _ending(organization).filter(auto_renew=True, subscription__status__in=CALLABLE_STATUSES)
    return before(rows, "expires_at", RENEWAL_LEAD, after)


def _next_rotation(organization: Organization, after: datetime | None) -> datetime | None:
    return earliest(_rotating(organization), "rotates_at", after)


def _next_grace_end(organization: Organization, after: datetime | None) -> datetime | None:
    rows = KeyRotation.objects.filter(old_key__organization=organization, completed_at=None)
    return earliest(rows, "grace_ends_at", after)


def _next_wiping(organization: Organization, after: datetime | None) -> datetime | None:
    rows = UnreadKey.objects.filter(key__organization=organization).exclude(secret="")
    return earliest(rows, "readable_until", after)


def _next_notice(organization: Organization, after: datetime | None) -> datetime | None:
    ending = _ending(organization).exclude(
        auto_renew=True, subscription__status__in=CALLABLE_STATUSES
    )
    told = (
        (ending, "expires_at", EXPIRY_NOTICE_DAYS),
        (_rotating(organization), "rotates_at", ROTATION_NOTICE_DAYS),
    )
    moments = (
        notice_due(rows, field, days=days, organization=organization, after=after)
        for rows, field, days in told
    )
    return min((at for at in moments if at is not None), default=None)


def _work(name: str, label: Any, next_due: NextDue, service: DueService) -> TimedWork:
    return TimedWork(
        name=f"keys.{name}",
        label=label,
        turn=Turn.KEYS,
        next_due=next_due,
        happen=happens(service),
    )


WORKS: Final = (
    # In the order of what comes first at one moment: a key is renewed before it would expire.
    _work(
        "graces",
        _("Replaced keys that were revoked"),
        _next_grace_end,
        services.complete_due_rotations,
    ),
    _work("renewals", _("Keys that were renewed"), _next_renewal, services.renew_due_keys),
    _work("expiries", _("Keys that expired"), _next_expiry, services.expire_due_keys),
    _work("rotations", _("Keys that were replaced"), _next_rotation, services.rotate_due_keys),
    _work("unread", _("New keys that nobody read"), _next_wiping, services.wipe_unread_keys),
    _work("notices", _("Notices about keys"), _next_notice, services.send_due_notices),
)
