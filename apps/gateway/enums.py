"""Kinds and states of registry entries."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import pgettext_lazy


class EntryKind(TextChoices):
    """What an entry describes."""

    ROUTE = "route", pgettext_lazy("registry", "route")
    KEY = "key", pgettext_lazy("registry", "key")
    SUBSCRIPTION = "sub", pgettext_lazy("registry", "subscription")
    TENANT = "tenant", pgettext_lazy("registry", "tenant")


class SyncState(TextChoices):
    """How far an entry has come on its way to the authorizers."""

    WANTED = "wanted", pgettext_lazy("sync", "wanted")
    WRITTEN = "written", pgettext_lazy("sync", "written")
    PROVEN = "proven", pgettext_lazy("sync", "proven")
    FAILED = "failed", pgettext_lazy("sync", "failed")


class ReportStatus(TextChoices):
    """How a reconciliation ended."""

    HEALTHY = "healthy", pgettext_lazy("reconciliation", "nothing was wrong")
    HEALED = "healed", pgettext_lazy("reconciliation", "healed")
    FAILED = "failed", pgettext_lazy("reconciliation", "failed")
