"""Months of calls that left the database for a file."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.clock import Period
from apps.core.models import Entity
from apps.core.partitions import month_of
from apps.usage.enums import ArchiveStatus


class UsageArchive(Entity):
    """One month of calls as a Parquet file, with what proves that the file is still what was written.

    `ids_sha256` is over the ids in the file's order. `layout` has the byte ranges of the row groups and of the footer
    with their hashes, so that whoever reads a few calls checks what they read, and not a gigabyte. A month that was
    dropped after its retention without ever being archived has a row without a file.
    """

    id_prefix = "arc"

    month_start = models.DateTimeField(_("month"), unique=True)
    status = models.CharField(_("status"), max_length=10, choices=ArchiveStatus)
    file_name = models.CharField(_("file"), max_length=120, blank=True)
    size_bytes = models.PositiveBigIntegerField(_("size (bytes)"), default=0)
    sha256 = models.CharField(_("SHA-256"), max_length=64, blank=True)
    row_count = models.PositiveBigIntegerField(_("calls"), default=0)
    min_id = models.UUIDField(_("smallest id"), null=True)
    max_id = models.UUIDField(_("largest id"), null=True)
    ids_sha256 = models.CharField(_("SHA-256 of the ids"), max_length=64, blank=True)
    sums = models.JSONField(_("sums"), default=dict)
    layout = models.JSONField(_("layout"), default=dict)
    verified_at = models.DateTimeField(_("last verified"), null=True)
    problem = models.CharField(_("problem"), max_length=200, blank=True)
    removed_at = models.DateTimeField(_("removed"), null=True)

    class Meta:
        """Newest month first."""

        verbose_name = _("usage archive")
        verbose_name_plural = _("usage archives")
        ordering = ("-month_start",)

    def __str__(self) -> str:
        return f"{self.month_start:%Y-%m}"

    @property
    def month(self) -> Period:
        """The month in UTC."""
        return month_of(self.month_start.year, self.month_start.month)

    @property
    def row_groups(self) -> list[dict[str, Any]]:
        """Byte ranges of the row groups with their hashes."""
        groups: list[dict[str, Any]] = self.layout["row_groups"]
        return groups
