"""Asking for exports, calling them off, and letting them expire."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from apps.accounts.enums import PlatformFeature
from apps.accounts.models import Organization
from apps.accounts.platform_plans.gates import require_feature
from apps.accounts.selectors import get_current_organization
from apps.core import clock
from apps.core.actors import Actor
from apps.core.audit import record_audit
from apps.core.jobs import enqueue
from apps.usage import notices
from apps.usage.chosen_period import HasLocalTime, choose_period
from apps.usage.enums import ExportFormat, ExportSide, ExportStatus
from apps.usage.exceptions import ExportTooLarge, TooManyExports
from apps.usage.export_rows import expected_rows
from apps.usage.models import UsageExport
from apps.usage.selectors import (
    get_consumer_subscription,
    get_provided_api,
    get_subscribed_api,
)
from apps.usage.services.export_writing import tell_requester
from apps.usage.transitions import EXPORT

WRITE_JOB: Final = "usage.write_export"
MAX_UNFINISHED: Final = 5
# The job's own limit is 15 minutes; what is still running after an hour has lost its worker for good.
LOST_AFTER: Final = timedelta(hours=1)
ROWS_KEPT_FOR: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Marketplace:
    """Whose time an operator's export follows."""

    timezone: str = "UTC"
    clock_offset: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportWish:
    """What somebody wants exported. Filters: `subscription_id`, `api_id`, `status` (2 to 5), `path`, `meter`."""

    side: str
    subject: str
    file_format: str
    period: str = ""
    first_day: str = ""
    last_day: str = ""
    by_day: bool = True
    filters: dict[str, str] = field(default_factory=dict)


@transaction.atomic
def request_export(*, wish: ExportWish, actor: Actor) -> UsageExport:
    """Have a file written by a job; its requester is told when it can be fetched.

    Raises:
        InvalidInput: the period makes no sense.
        NotFound: a filter names something of another tenant.
        ExportTooLarge: more rows than one file may have.
        TooManyExports: others are unfinished.
        PlanRequired: the organization's plan does not include Parquet files.
    """
    organization = _owner_of(wish, actor)
    if organization is not None and wish.file_format == ExportFormat.PARQUET:
        require_feature(organization.pk, PlatformFeature.PARQUET_EXPORTS, field="format")
    whose: HasLocalTime = organization or Marketplace()
    chosen = choose_period(whose, key=wish.period, first=wish.first_day, last=wish.last_day)
    filters = {name: value for name, value in wish.filters.items() if value}
    _check_filters(wish.side, filters, actor)
    export = UsageExport(
        organization=organization,
        side=wish.side,
        subject=wish.subject,
        file_format=wish.file_format,
        period_start=chosen.period.start,
        period_end=chosen.period.end,
        timezone=chosen.timezone,
        by_day=wish.by_day,
        filters=filters,
        requested_by_id=actor.user_id,
    )
    _check_bounds(export)
    export.job = enqueue(WRITE_JOB, actor=actor, export_id=str(export.pk))
    export.save(force_insert=True)
    record_audit(
        action="usage:export:requested",
        target=export,
        actor=actor,
        after={
            "side": export.side,
            "subject": export.subject,
            "format": export.file_format,
            "from": export.period_start,
            "until": export.period_end,
            "filters": filters,
        },
    )
    return export


def _owner_of(wish: ExportWish, actor: Actor) -> Organization | None:
    return None if wish.side == ExportSide.OPERATOR else get_current_organization(actor)


def _check_filters(side: str, filters: dict[str, str], actor: Actor) -> None:
    """Both sides may name what is theirs: a consumer its subscription, a provider its API."""
    subscription, api = filters.get("subscription_id"), filters.get("api_id")
    if subscription:
        get_consumer_subscription(actor, subscription)
    if api:
        if side == ExportSide.CONSUMER:
            get_subscribed_api(actor, api)
        else:
            get_provided_api(actor, api)


def _check_bounds(export: UsageExport) -> None:
    rows, limit = expected_rows(export), settings.USAGE_EXPORT_MAX_ROWS
    if rows > limit:
        raise ExportTooLarge(
            _(
                "It would have %(rows)s rows; at most %(limit)s are possible. Choose a shorter period."
            )
            % {"rows": rows, "limit": limit},
            field="period",
        )
    unfinished = UsageExport.objects.filter(
        organization=export.organization, status__in=(ExportStatus.QUEUED, ExportStatus.RUNNING)
    )
    if unfinished.count() >= MAX_UNFINISHED:
        raise TooManyExports(
            _("At most %(limit)s exports can be written at a time. Wait for one, or cancel it.")
            % {"limit": MAX_UNFINISHED}
        )


@transaction.atomic
def cancel_export(*, export: UsageExport, actor: Actor) -> UsageExport:
    """Call an export off; a job that is writing it stops at its next chunk.

    Raises:
        InvalidTransition: it has ended already.
    """
    row = UsageExport.objects.lock(export.pk)
    EXPORT.require(row.status, ExportStatus.CANCELLED)
    row.status, row.finished_at, row.file_name = ExportStatus.CANCELLED, clock.now(), ""
    row.save(update_fields=["status", "finished_at", "file_name", "updated_at"])
    record_audit(action="usage:export:cancelled", target=row, actor=actor)
    return row


def expire_exports() -> dict[str, int]:
    """Delete files whose time is over, give up exports that lost their worker, forget old rows."""
    now = clock.now()
    due = UsageExport.objects.filter(status=ExportStatus.READY, expires_at__lte=now)
    expired = sum(_end(pk, ExportStatus.EXPIRED) for pk in due.values_list("pk", flat=True))
    lost = UsageExport.objects.filter(
        Q(status=ExportStatus.RUNNING) | Q(status=ExportStatus.QUEUED),
        updated_at__lte=now - LOST_AFTER,
    )
    failed = sum(_end(pk, ExportStatus.FAILED) for pk in lost.values_list("pk", flat=True))
    old = UsageExport.objects.filter(file_name="", created_at__lte=now - ROWS_KEPT_FOR)
    forgotten, _by_model = old.exclude(
        status__in=(ExportStatus.QUEUED, ExportStatus.RUNNING)
    ).delete()
    return {"expired": expired, "failed": failed, "forgotten": forgotten}


@transaction.atomic
def _end(pk: UUID, status: ExportStatus) -> bool:
    """Move an export to its end and remove its file; whoever was faster keeps what they did."""
    row = UsageExport.objects.select_for_update(no_key=True, of=("self",)).get(pk=pk)
    if not EXPORT.allows(row.status, status):
        return False
    name, row.file_name, row.status = row.file_name, "", status
    if status == ExportStatus.FAILED:
        row.error_code, row.finished_at = "server_error", clock.now()
    row.save(update_fields=["file_name", "status", "error_code", "finished_at", "updated_at"])
    if status == ExportStatus.FAILED:
        tell_requester(row, notices.EXPORT_FAILED)
    if name:
        transaction.on_commit(lambda: default_storage.delete(name))
    return True
