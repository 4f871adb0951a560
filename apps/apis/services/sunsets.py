"""What was announced to end ends by itself: reminders before the day, retirement on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from apps.apis.constants import SUNSET_REMINDER_DAYS
from apps.apis.enums import ApiStatus, VersionStatus
from apps.apis.events import ApiSunsetNear, ApiVersionSunsetNear
from apps.apis.models import Api, ApiVersion
from apps.apis.services.lifecycle import retire_api
from apps.apis.services.moves import tell
from apps.apis.services.reminders import reminder_due
from apps.apis.services.versions import lock_version, make_version_current, retire_version
from apps.core import clock
from apps.core.actors import Actor

logger = structlog.get_logger(__name__)

ACTOR: Final = Actor.system("apis.apply_sunsets")
# A version's day came and went, and its provider was told that nothing can take its place.
DAY_TOLD: Final = 0


@dataclass(slots=True)
class AppliedSunsets:
    """What a run did."""

    reminders: int = 0
    apis: int = 0
    versions: int = 0


def apply_sunsets() -> AppliedSunsets:
    """Remind of the ends that come near and retire what is past its day.

    Idempotent, and safe to run at the same time: each API is locked, looked at again and dealt with in its own
    transaction, so a reminder is told once. A current version makes room for the newest published one; where
    there is none it stays, and its provider is told once.

    Publishes: ApiSunsetNear, ApiVersionSunsetNear; ApiRetired and ApiVersionRetired through the services.
    """
    done = AppliedSunsets()
    horizon = clock.now() + timedelta(days=max(SUNSET_REMINDER_DAYS))
    apis = Api.objects.filter(status=ApiStatus.DEPRECATED, sunset_at__lte=horizon)
    for api_id in apis.values_list("pk", flat=True):
        _apply_to_api(api_id, done)
    versions = ApiVersion.objects.filter(
        ~Q(sunset_reminder_days=DAY_TOLD) | Q(sunset_reminder_days=None) | Q(is_current=False),
        status=VersionStatus.DEPRECATED,
        sunset_at__lte=horizon,
    ).exclude(api__status=ApiStatus.RETIRED)
    for version in versions:
        _apply_to_version(version, done)
    return done


@transaction.atomic
def _apply_to_api(api_id: UUID, done: AppliedSunsets) -> None:
    api = Api.objects.lock(api_id)
    if api.status != ApiStatus.DEPRECATED or api.sunset_at is None:
        return  # somebody was faster
    if api.sunset_at <= clock.now():
        reason = _("The announced day has come.")
        retire_api(api=api, actor=ACTOR, reason=reason, is_due=True)
        done.apis += 1
    elif _note_reminder(api, done):
        tell(ApiSunsetNear, api, sunset_at=api.sunset_at, days_left=api.sunset_reminder_days)


@transaction.atomic
def _apply_to_version(version: ApiVersion, done: AppliedSunsets) -> None:
    version = lock_version(version)
    if version.status != VersionStatus.DEPRECATED or version.sunset_at is None:
        return  # somebody was faster
    if version.sunset_at > clock.now():
        if _note_reminder(version, done):
            _tell_near(version)
    elif version.is_current and not _make_room(version):
        if version.sunset_reminder_days != DAY_TOLD:
            _write_reminder(version, DAY_TOLD)
            _tell_near(version)
            logger.warning("apis.sunset_without_successor", version=version.public_id)
    else:
        version.refresh_from_db()
        retire_version(version=version, actor=ACTOR, reason=_("The announced day has come."))
        done.versions += 1


def _make_room(version: ApiVersion) -> bool:
    """Make the newest published version current in the place of this one; tell whether there is one."""
    published = version.api.versions.filter(status=VersionStatus.PUBLISHED)
    successor = published.order_by("-published_at", "-id").first()
    if successor is not None:
        make_version_current(version=successor, actor=ACTOR)
    return successor is not None


def _note_reminder(row: Api | ApiVersion, done: AppliedSunsets) -> bool:
    """Tell whether a reminder is due that was not given yet, and write down that it is given."""
    due = reminder_due(row.sunset_at) if row.sunset_at else None
    last = row.sunset_reminder_days
    if due is None or (last is not None and last <= due):
        return False
    _write_reminder(row, due)
    done.reminders += 1
    return True


def _write_reminder(row: Api | ApiVersion, days: int) -> None:
    row.sunset_reminder_days = days
    row.save(update_fields=["sunset_reminder_days", "updated_at"])


def _tell_near(version: ApiVersion) -> None:
    tell(
        ApiVersionSunsetNear,
        version.api,
        version_id=version.pk,
        version_name=version.name,
        sunset_at=version.sunset_at,
        days_left=version.sunset_reminder_days,
    )
