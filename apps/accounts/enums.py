"""Roles and kinds of this app."""

from __future__ import annotations

from django.db.models import TextChoices
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
