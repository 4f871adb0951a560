"""Versions of an API: prepared, published, announced to end, retired."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from apps.apis import events
from apps.apis.enums import VersionStatus
from apps.apis.exceptions import (
    SunsetInThePast,
    VersionInUse,
    VersionNotPublished,
    VersionTaken,
)
from apps.apis.models import Api, ApiVersion
from apps.apis.openapi import compare_documents, is_breaking
from apps.apis.policy import REVIEWED_STATUSES, needs_review
from apps.apis.services.documents import document_of
from apps.apis.services.moves import tell
from apps.apis.services.reminders import reminder_due
from apps.apis.services.searching import refresh_search
from apps.apis.services.updates import CURRENT_VERSION, request_update
from apps.apis.transitions import VERSION
from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit


@transaction.atomic
def create_version(*, api: Api, name: str, changelog: str = "", actor: Actor) -> ApiVersion:
    """Prepare a version; a document whose `info.version` is its name fills it. Callers do not see it yet.

    Raises:
        ValidationError: the name is empty or too long.
        VersionTaken: the API has a version of that name.
    """
    version = ApiVersion(api=api, name=name.strip(), changelog=changelog.strip())
    written = {"name", "changelog"}
    version.clean_fields(exclude={field.name for field in version._meta.fields} - written)
    try:
        with transaction.atomic():
            version.save(force_insert=True)
    except IntegrityError:
        raise VersionTaken(field="name") from None
    _audit(version, "created", actor)
    return version


@transaction.atomic
def describe_version(*, version: ApiVersion, changelog: str, actor: Actor) -> ApiVersion:
    """Write what changed in a version; Markdown, shown to callers with it."""
    version = lock_version(version)
    before, version.changelog = version.changelog, changelog.strip()
    version.save(update_fields=["changelog", "updated_at"])
    _audit(
        version, "described", actor, before={"changelog": before}, after={"changelog": changelog}
    )
    return version


@transaction.atomic
def publish_version(*, version: ApiVersion, actor: Actor) -> ApiVersion:
    """Let callers see a version. It becomes the current one by `make_version_current`.

    Raises:
        InvalidTransition: it is not a draft.

    Publishes: ApiVersionPublished, ApiEndpointsChanged.
    """
    version = lock_version(version)
    VERSION.require(version.status, VersionStatus.PUBLISHED)
    version.status, version.published_at = VersionStatus.PUBLISHED, clock.now()
    version.save(update_fields=["status", "published_at", "updated_at"])
    _audit(version, "published", actor)
    _tell(events.ApiVersionPublished, version)
    tell(events.ApiEndpointsChanged, version.api)
    return version


@transaction.atomic
def make_version_current(*, version: ApiVersion, actor: Actor) -> ApiVersion:
    """Make a version the one whose endpoints and documentation are shown.

    On a live API, one that breaks the callers of the present one waits for an approver; the version that is returned is
    then not current yet.

    Raises:
        VersionNotPublished: it is retired, or the API is live and the version was never published.
        UpdatePending: another change of the live API waits for an approver.

    Publishes: ApiEndpointsChanged.
    """
    version = lock_version(version)
    api = version.api
    is_live = api.status in REVIEWED_STATUSES
    if version.status == VersionStatus.RETIRED or (
        is_live and version.status == VersionStatus.DRAFT
    ):
        raise VersionNotPublished
    current = api.versions.filter(is_current=True).first()
    if current == version:
        return version
    if current and needs_review(api, actor) and _would_break(current, version):
        wanted = {"before": current.name, "after": version.public_id, "version": version.name}
        request_update(api=api, changes={CURRENT_VERSION: wanted}, actor=actor)
        return version
    api.versions.filter(is_current=True).update(is_current=False)
    version.is_current = True
    version.save(update_fields=["is_current", "updated_at"])
    _audit(version, "made_current", actor, before={"version": current.name if current else ""})
    refresh_search(api)
    tell(events.ApiEndpointsChanged, api)
    return version


@transaction.atomic
def deprecate_version(*, version: ApiVersion, sunset_at: datetime, actor: Actor) -> ApiVersion:
    """Announce when a version ends; announcing it again moves the date.

    Raises:
        SunsetInThePast: the date is not in the future.
        InvalidTransition: it is neither published nor deprecated.

    Publishes: ApiVersionDeprecated.
    """
    now = clock.now()
    if sunset_at <= now:
        raise SunsetInThePast(field="sunset_at")
    version = lock_version(version)
    VERSION.require(version.status, VersionStatus.DEPRECATED)
    version.status, version.sunset_at = VersionStatus.DEPRECATED, sunset_at
    version.deprecated_at = version.deprecated_at or now
    version.sunset_reminder_days = reminder_due(sunset_at)
    written = ["status", "sunset_at", "sunset_reminder_days", "deprecated_at", "updated_at"]
    version.save(update_fields=written)
    _audit(version, "deprecated", actor, after={"sunset_at": sunset_at})
    _tell(
        events.ApiVersionDeprecated,
        version,
        deprecated_at=version.deprecated_at,
        sunset_at=sunset_at,
    )
    return version


@transaction.atomic
def retire_version(*, version: ApiVersion, actor: Actor, reason: str = "") -> ApiVersion:
    """End a deprecated version; `reason` goes to the audit trail.

    Raises:
        VersionInUse: it is the current one.
        InvalidTransition: it is not deprecated.

    Publishes: ApiVersionRetired, ApiEndpointsChanged.
    """
    version = lock_version(version)
    VERSION.require(version.status, VersionStatus.RETIRED)
    if version.is_current:
        raise VersionInUse
    version.status, version.retired_at = VersionStatus.RETIRED, clock.now()
    version.save(update_fields=["status", "retired_at", "updated_at"])
    _audit(version, "retired", actor, reason=reason)
    _tell(events.ApiVersionRetired, version)
    tell(events.ApiEndpointsChanged, version.api)
    return version


def publish_current_version(*, api: Api, actor: Actor) -> None:
    """Publish the version with which an API goes live, if it has one that is a draft."""
    version = api.versions.filter(is_current=True, status=VersionStatus.DRAFT).first()
    if version is not None:
        publish_version(version=version, actor=actor)


def lock_version(version: ApiVersion) -> ApiVersion:
    """Lock the version's API, which is what two changes of versions meet at, and read both anew."""
    Api.objects.lock(version.api_id)
    rows = ApiVersion.objects.select_related("api__category", "api__organization")
    return rows.get(pk=version.pk)


def _tell(event: type[events.ApiVersionEvent], version: ApiVersion, **members: datetime) -> None:
    tell(event, version.api, version_id=version.pk, version_name=version.name, **members)


def _audit(
    version: ApiVersion,
    verb: str,
    actor: Actor,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
    reason: str = "",
) -> None:
    record_audit(
        action=f"apis:version:{verb}",
        target=version,
        actor=actor,
        organization_id=version.api.organization_id,
        before=before,
        after={"version": version.name, **(after or {})},
        reason=reason,
    )


def _would_break(current: ApiVersion, version: ApiVersion) -> bool:
    return is_breaking(compare_documents(document_of(current), document_of(version)))
