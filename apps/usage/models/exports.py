"""Exports: usage written to a file that its members fetch."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.core.clock import Period
from apps.core.models import Entity, JobRun
from apps.core.querysets import TenantQuerySet
from apps.usage.enums import ExportFormat, ExportSide, ExportStatus, ExportSubject


class UsageExport(Entity):
    """Calls, windows or a series of a period as a file; gone after a week. Without an organization: an operator's.

    `filters` holds what was chosen as public ids and plain values; `file_name` is the name in the storage, which
    nobody can guess.
    """

    id_prefix = "exp"

    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, null=True, related_name="+"
    )
    side = models.CharField(_("side"), max_length=8, choices=ExportSide)
    subject = models.CharField(_("content"), max_length=8, choices=ExportSubject)
    file_format = models.CharField(_("format"), max_length=8, choices=ExportFormat)
    period_start = models.DateTimeField(_("from"))
    period_end = models.DateTimeField(_("until (exclusive)"))
    timezone = models.CharField(_("time zone"), max_length=64)
    by_day = models.BooleanField(_("by day"), default=True)
    filters = models.JSONField(_("filters"), default=dict)
    status = models.CharField(
        _("status"), max_length=9, choices=ExportStatus, default=ExportStatus.QUEUED
    )
    requested_by_id = models.UUIDField(_("requested by"), null=True)
    job = models.ForeignKey(JobRun, on_delete=models.SET_NULL, null=True, related_name="+")
    file_name = models.CharField(_("file"), max_length=120, blank=True)
    size_bytes = models.PositiveBigIntegerField(_("size (bytes)"), default=0)
    row_count = models.PositiveBigIntegerField(_("rows"), default=0)
    sha256 = models.CharField(_("SHA-256"), max_length=64, blank=True)
    error_code = models.CharField(_("error"), max_length=60, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True)
    expires_at = models.DateTimeField(_("expires"), null=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        """Newest first; a file expires."""

        verbose_name = _("usage export")
        verbose_name_plural = _("usage exports")
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(
                condition=Q(period_end__gt=F("period_start")), name="usage_export_range"
            ),
            models.CheckConstraint(
                condition=Q(organization__isnull=True, side=ExportSide.OPERATOR)
                | (Q(organization__isnull=False) & ~Q(side=ExportSide.OPERATOR)),
                name="usage_export_owner",
            ),
        )
        indexes = (
            models.Index(fields=("organization", "-id"), name="usage_export_list"),
            models.Index(fields=("status", "expires_at"), name="usage_export_due"),
        )

    def __str__(self) -> str:
        return self.download_name

    @property
    def period(self) -> Period:
        """What it covers."""
        return Period(self.period_start, self.period_end)

    @property
    def last_moment(self) -> datetime:
        """The last instant that belongs to it."""
        return self.period_end - timedelta(microseconds=1)

    @property
    def download_name(self) -> str:
        """The name that the reader's computer gets."""
        return f"{self.subject}-{self.period_start:%Y%m%d}-{self.public_id[-6:]}.{self.file_format}"

    @property
    def is_unfinished(self) -> bool:
        """Whether it waits or is being written."""
        return self.status in (ExportStatus.QUEUED, ExportStatus.RUNNING)
