"""Roles and kinds of this app."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Role(TextChoices):
    """What a member may do in an organization; the table is in `roles.py`."""

    OWNER = "owner", pgettext_lazy("role", "owner")
    ADMIN = "admin", pgettext_lazy("role", "admin")
    DEVELOPER = "developer", pgettext_lazy("role", "developer")
    BILLING = "billing", pgettext_lazy("role", "billing")
    VIEWER = "viewer", pgettext_lazy("role", "viewer")


class StaffRole(TextChoices):
    """What a person of the operator may do in the back office; kept as Django groups."""

    APPROVER = "approver", pgettext_lazy("role", "approver")
    OPERATOR = "operator", pgettext_lazy("role", "operator")
    FINANCE = "finance", pgettext_lazy("role", "finance")


class JumpStatus(TextChoices):
    """Where a move of a test clock stands."""

    ADVANCING = "advancing", pgettext_lazy("test clock", "advancing")
    DONE = "done", pgettext_lazy("test clock", "done")


class PlatformFeature(TextChoices):
    """What a plan of the platform may include; `marketplace/plans.yml` says which does."""

    ANOMALY_ALERTS = "anomaly_alerts", _("Alerts about unusual usage")
    CUSTOM_DOMAINS = "custom_domains", _("APIs under your own domain")
    PARQUET_EXPORTS = "parquet_exports", _("Exports as Parquet files")


class PlatformLimit(TextChoices):
    """What a plan of the platform may limit; a plan that does not name one has none."""

    APIS = "apis", _("Published APIs")
    MEMBERS = "members", _("Members and open invitations")
    WORKSPACES = "workspaces", _("Workspaces")
    WEBHOOK_ENDPOINTS = "webhook_endpoints", _("Webhook endpoints")
    METERS_PER_API = "meters_per_api", _("Meters of one API")
